// Whether a page can travel: what is indexed must come out again.

extension Page {
  /// The bytes of its record when they are more than a line may hold; nil when it fits. Most pages are not written for it.
  var bytesBeyondLine: Int? {
    // A byte of a string takes six at most, and the names of the fields less than what is added.
    let strings = [id, title, characterID, section, text].compactMap(\.self) + motifs
    let most = strings.reduce(300) { $0 + $1.utf8.count * 6 + 3 } + metadata.mostBytes
    guard most > RecordCoder.lineLimitBytes else { return nil }
    var page = self
    page.vector = nil
    let bytes = RecordCoder.frame(.page(page)).count
    return bytes > RecordCoder.lineLimitBytes ? bytes : nil
  }
}

extension JSONObject {
  /// No text of it has more bytes.
  fileprivate var mostBytes: Int { members.reduce(2) { $0 + $1.key.utf8.count * 6 + 4 + $1.value.mostBytes } }
}

extension JSONValue {
  fileprivate var mostBytes: Int {
    switch self {
    case .null, .bool: 5
    case .number(let number): number.text.utf8.count
    case .string(let text): text.utf8.count * 6 + 2
    case .array(let values): values.reduce(2) { $0 + $1.mostBytes + 1 }
    case .object(let object): object.mostBytes
    }
  }
}
