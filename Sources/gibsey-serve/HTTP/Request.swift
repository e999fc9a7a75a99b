// A request as a route sees it: decoded once, checked, whole.
import NIOCore
import NIOHTTP1

/// Who asks, as far as a token says.
struct Identity: Sendable, Equatable {
  /// The name in the token file; nil where no tokens are wanted.
  let name: String?
  /// SHA-256 of the token that was shown.
  var digest: [UInt8]? = nil

  static let anybody = Identity(name: nil)
}

/// One request, its body read.
struct Request: Sendable {
  let method: HTTPMethod
  let version: HTTPVersion
  let path: Path
  let query: Query
  let headers: HTTPHeaders
  let body: [UInt8]
  let identity: Identity
  /// What the pattern of the route caught, decoded.
  var parameters: [String: String] = [:]

  /// A header's only value; nil when there is none, or more than one.
  func header(_ name: String) -> String? {
    let values = headers[name]
    return values.count == 1 ? values[0] : nil
  }

  /// The value that the pattern of the route caught under a name that it has.
  func parameter(_ name: String) -> String { parameters[name] ?? "" }

  /// Whether the client asks for a media type by its name and would have no other one rather (RFC 9110 §12.5.1).
  func accepts(_ type: String) -> Bool {
    var (own, best) = (0.0, 0.0)
    for range in headers[canonicalForm: "accept"] {
      let parts = range.split(separator: ";", omittingEmptySubsequences: false).map {
        $0.filter { $0 != " " && $0 != "\t" }
      }
      let weight = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
      if parts.first?.lowercased() == type {
        own = max(own, weight)
      } else if parts.first != "*/*" {
        best = max(best, weight)
      }
    }
    return own > 0 && own >= best
  }
}

/// A path in its segments, each decoded once.
struct Path: Sendable, Equatable {
  let segments: [String]

  /// - Throws: `Refusal.badRequest` for what is no path, or decodes to no text.
  init(_ target: Substring) throws {
    guard target.first == "/" else { throw Refusal.badRequest("the target is no path") }
    segments = try target.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { segment in
      guard let text = PercentCoding.decode(segment, plusIsSpace: false), text != ".", text != ".." else {
        throw Refusal.badRequest("the path cannot be decoded")
      }
      return text
    }
  }
}

/// The fields of a query, in their order.
struct Query: Sendable, Equatable {
  let fields: [(name: String, value: String)]

  static func == (left: Query, right: Query) -> Bool {
    left.fields.elementsEqual(right.fields) { $0 == $1 }
  }

  /// - Throws: `Refusal.badRequest` for what cannot be decoded.
  init(_ text: Substring) throws {
    fields = try text.split(separator: "&").map { field in
      let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentCoding.decode(parts[0], plusIsSpace: true),
        let value = PercentCoding.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
      else { throw Refusal.badRequest("the query cannot be decoded") }
      return (name, value)
    }
  }

  /// The first value of a field; nil when there is none.
  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  /// A field as a number within bounds.
  /// - Throws: `Refusal.badRequest` for anything else.
  func integer(_ name: String, in bounds: ClosedRange<Int>) throws -> Int? {
    guard let text = self[name] else { return nil }
    guard let value = Int(text), bounds.contains(value) else {
      throw Refusal.badRequest("\(name): wanted a number from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return value
  }

  /// Whether a field asks for something: `1` or `true`.
  func isSet(_ name: String) -> Bool { self[name] == "1" || self[name] == "true" }
}

/// RFC 3986 §2.1.
enum PercentCoding {
  /// The text; nil for a broken escape, for bytes that are no UTF-8, and for a NUL.
  static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
      default: bytes.append(byte)
      }
    }
    guard !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
