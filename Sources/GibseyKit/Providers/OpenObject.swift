// An object of JSON over several lines, where a line of a stream was wanted: a server that does not stream, or an error.

/// Gathers the lines of one object, in bounded memory. A value; it does no I/O.
struct OpenObject: Sendable {
  private let limitBytes: Int
  private(set) var bytes: [UInt8] = []
  private var depth = 0
  /// Whether all its brackets are closed.
  var isClosed: Bool { depth <= 0 }

  /// - Returns: nil for a line that opens no object that other lines could go on with: its brackets are all closed, or it
  ///   ends within a string, as what was cut does.
  init?(_ line: UnsafeBufferPointer<UInt8>, limitBytes: Int) {
    guard line.first == UInt8(ascii: "{"), let depth = Self.depth(line), depth > 0 else { return nil }
    self.limitBytes = limitBytes
    self.depth = depth
    bytes = Array(line)
  }

  /// Adds a line, if it can be one of the object's.
  /// - Returns: false, and nothing is added, when it cannot, or there is no room for it.
  mutating func add(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes.count + line.count < limitBytes, let change = Self.depth(line) else { return false }
    depth += change
    bytes.append(0x0A)
    bytes.append(contentsOf: line)
    return true
  }

  /// How many more brackets a line opens than it closes; nil when it ends within a string, which no line of JSON does.
  static func depth(_ line: UnsafeBufferPointer<UInt8>) -> Int? {
    var (depth, isString, isEscaped) = (0, false, false)
    for byte in line {
      switch byte {
      case _ where isEscaped: isEscaped = false
      case UInt8(ascii: "\\"): isEscaped = isString
      case UInt8(ascii: "\""): isString.toggle()
      case UInt8(ascii: "{") where !isString, UInt8(ascii: "[") where !isString: depth += 1
      case UInt8(ascii: "}") where !isString, UInt8(ascii: "]") where !isString: depth -= 1
      default: break
      }
    }
    return isString ? nil : depth
  }
}
