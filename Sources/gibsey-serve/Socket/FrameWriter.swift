// Frames as a server sends them: whole, without a mask (RFC 6455 §5.1).
import NIOCore

enum FrameWriter {
  /// FIN, and the opcode.
  enum Kind: UInt8 {
    case text = 0x81
    case binary = 0x82
    case close = 0x88
    case ping = 0x89
    case pong = 0x8A
  }

  /// The longest head.
  static let headBytes = 10

  /// Appends one frame.
  static func append(_ kind: Kind, _ payload: some Collection<UInt8>, to buffer: inout ByteBuffer) {
    appendHead(kind, payload.count, to: &buffer)
    buffer.writeBytes(payload)
  }

  static func appendHead(_ kind: Kind, _ count: Int, to buffer: inout ByteBuffer) {
    buffer.writeInteger(kind.rawValue)
    if count <= 125 {
      buffer.writeInteger(UInt8(count))
    } else if count <= 0xFFFF {
      buffer.writeInteger(UInt8(126))
      buffer.writeInteger(UInt16(count))
    } else {
      buffer.writeInteger(UInt8(127))
      buffer.writeInteger(UInt64(count))
    }
  }

  /// One frame by itself.
  static func frame(_ kind: Kind, _ payload: some Collection<UInt8>) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(headBytes + payload.count)
    append(kind, payload, to: &buffer)
    return buffer
  }

  /// A close frame; nil says no code.
  static func close(_ code: UInt16?, reason: some Collection<UInt8>) -> ByteBuffer {
    guard let code else { return frame(.close, []) }
    return frame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason.prefix(123))
  }
}
