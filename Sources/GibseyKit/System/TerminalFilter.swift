// Foreign text for a terminal: what could drive the terminal, or turn the text around, is left out.

/// Leaves out control characters, escape sequences and bidirectional controls, also when they come in pieces. Line
/// feeds and tabs stay. A value: bytes in, bytes out.
public struct TerminalFilter: Sendable {
  private enum Mode {
    case text
    /// After ESC; intermediates may follow.
    case escape
    /// After CSI, until its final byte.
    case control
    /// In a string (OSC, DCS, SOS, PM, APC) until BEL, ST or, lest it swallow the answer, a line feed.
    case string
    /// ESC inside a string: a backslash ends it.
    case stringEscape
  }

  private var mode = Mode.text
  /// The bytes of a character whose end has not come.
  private var partial: [UInt8] = []

  public init() {}

  /// The bytes that may be shown.
  public mutating func consume(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var shown: [UInt8] = []
    for byte in bytes { take(byte, &shown) }
    return shown
  }

  private mutating func take(_ byte: UInt8, _ shown: inout [UInt8]) {
    switch mode {
    case .text: text(byte, &shown)
    case .escape:
      switch byte {
      case UInt8(ascii: "["): mode = .control
      case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"),
        UInt8(ascii: "_"):
        mode = .string
      case 0x20...0x2F, 0x1B: break
      default:
        mode = .text
        if byte < 0x20 || byte >= 0x80 { text(byte, &shown) }
      }
    case .control:
      switch byte {
      case 0x20...0x3F: break
      case 0x40...0x7E: mode = .text
      case 0x1B: mode = .escape
      default:
        mode = .text
        text(byte, &shown)
      }
    case .string:
      switch byte {
      case 0x07, 0x18, 0x1A: mode = .text
      case 0x0A:
        mode = .text
        shown.append(byte)
      case 0x1B: mode = .stringEscape
      case 0x9C where partial == [0xC2]: (mode, partial) = (.text, [])
      default: partial = byte == 0xC2 ? [byte] : []
      }
    case .stringEscape:
      partial = []
      mode = byte == UInt8(ascii: "\\") ? .text : .escape
      if mode == .escape { take(byte, &shown) }
    }
  }

  private mutating func text(_ byte: UInt8, _ shown: inout [UInt8]) {
    if byte < 0x80 {
      partial = []
      if byte == 0x1B { mode = .escape }
      if byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x09 { shown.append(byte) }
      return
    }
    if byte >= 0xC0 {
      partial = [byte]
    } else if !partial.isEmpty {
      partial.append(byte)
    } else {
      return
    }
    guard partial.count == Self.length(partial[0]) else { return }
    let character = partial
    partial = []
    guard let scalar = String(validating: character, as: UTF8.self)?.unicodeScalars.first else {
      return
    }
    switch scalar.value {
    case 0x9B: mode = .control
    case 0x90, 0x98, 0x9D, 0x9E, 0x9F: mode = .string
    case 0x80..<0xA0, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: break
    default: shown += character
    }
  }

  private static func length(_ first: UInt8) -> Int { first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2 }
}
