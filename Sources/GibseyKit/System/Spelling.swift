// A text by its bytes: what is called the same, and what only looks the same.

/// A text as it is spelled: equal to another where all bytes are, and ordered by them.
///
/// What SQLite keeps under a name (ids of pages and characters, sources, models, owners) is compared so, for SQLite compares
/// bytes. To Swift an `é` of one scalar and one of two are equal (Unicode's canonical equivalence): in a `Set<String>`, as a key of a
/// dictionary or by `==`, two pages would be one, and a reader shown the one for the other. A house rule looks for that.
public struct Spelling: Hashable, Comparable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }

  public static func == (one: Spelling, other: Spelling) -> Bool {
    // What differs to Swift differs in its bytes, and Swift is quick to find that out.
    one.text == other.text && one.text.utf8.elementsEqual(other.text.utf8)
  }

  public static func < (one: Spelling, other: Spelling) -> Bool {
    one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
    // No UTF-8 has it: where one text ends and the next begins counts.
    hasher.combine(0xFF as UInt8)
  }
}

extension String {
  /// The text by its bytes.
  public var spelling: Spelling { Spelling(self) }
}
