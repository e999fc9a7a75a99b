// Frames of RFC 6455 as a client must send them: bytes in, messages and controls out. No I/O.
import NIOCore

/// What a peer did that its socket is closed for.
struct SocketFault: Error, Sendable, Equatable {
  /// RFC 6455 §7.4.1.
  let code: UInt16
  /// ASCII, short enough for a control frame.
  let reason: String

  static func broken(_ reason: String) -> SocketFault { SocketFault(code: 1002, reason: reason) }
  static let notText = SocketFault(code: 1007, reason: "not UTF-8")
  static let tooLong = SocketFault(code: 1009, reason: "the message is too long")
  static let tooManyFragments = SocketFault(code: 1008, reason: "too many fragments")
  /// RFC 6455 knows no code for it; this one is registered as "try again later".
  static let tooMuch = SocketFault(code: 1013, reason: "too much is being sent at once")
  static let tooManyMessages = SocketFault(code: 1008, reason: "too many messages")
}

/// Reads what one client sends. Payloads are taken as they come: what waits for more is never longer than a frame's head.
struct FrameReader {
  /// What is whole.
  enum Event: Equatable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// The code is nil when none was given.
    case close(UInt16?, reason: [UInt8])
  }

  private enum Opcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    var isControl: Bool { rawValue & 8 != 0 }
  }

  private struct Frame {
    let opcode: Opcode
    let isFinal: Bool
    let mask: [UInt8]
    var missing: Int
    /// How many bytes of it were taken: where the mask is.
    var taken = 0
  }

  private let limitBytes: Int
  private let fragmentLimit: Int
  /// Of a head: at most 14 bytes.
  private var head: [UInt8] = []
  private var frame: Frame?
  /// What the frames of a message began with; nil between messages.
  private var kind: Opcode?
  private var message: [UInt8] = []
  private var fragments = 0
  private var check = UTF8Check()
  private var control: [UInt8] = []

  /// - Parameters:
  ///   - limitBytes: of one message, however it is cut.
  ///   - fragmentLimit: frames of one message.
  init(limitBytes: Int, fragmentLimit: Int) {
    self.limitBytes = limitBytes
    self.fragmentLimit = fragmentLimit
  }

  /// Of a message that is not whole.
  var heldBytes: Int { message.count }

  /// The next event in the bytes; nil when they are used up. After a fault there is nothing more to read.
  mutating func next(_ buffer: inout ByteBuffer) throws(SocketFault) -> Event? {
    while true {
      if frame == nil {
        guard try readHead(&buffer) else { return nil }
      }
      if let event = try readPayload(&buffer) { return event }
      if frame != nil { return nil }
    }
  }

  /// Whether a frame's head is there.
  private mutating func readHead(_ buffer: inout ByteBuffer) throws(SocketFault) -> Bool {
    while head.count < 2 {
      guard let byte = buffer.readInteger(as: UInt8.self) else { return false }
      head.append(byte)
    }
    try checkStart()
    let lengthBytes = head[1] & 0x7F == 126 ? 2 : head[1] & 0x7F == 127 ? 8 : 0
    while head.count < 2 + lengthBytes + 4 {
      guard let byte = buffer.readInteger(as: UInt8.self) else { return false }
      head.append(byte)
    }
    try beginFrame(lengthBytes)
    head.removeAll(keepingCapacity: true)
    return true
  }

  /// The first two bytes: RFC 6455 §5.2, and that a client masks (§5.1).
  private func checkStart() throws(SocketFault) {
    guard head[0] & 0x70 == 0 else { throw .broken("reserved bits without an extension") }
    guard let opcode = Opcode(rawValue: head[0] & 0x0F) else { throw .broken("an unknown opcode") }
    guard head[1] & 0x80 != 0 else { throw .broken("a frame without a mask") }
    if opcode.isControl {
      guard head[0] & 0x80 != 0 else { throw .broken("a control frame in fragments") }
      guard head[1] & 0x7F <= 125 else { throw .broken("a control frame longer than 125 bytes") }
    } else {
      guard (opcode == .continuation) == (kind != nil) else {
        throw .broken(kind == nil ? "nothing to continue" : "a message inside of another")
      }
    }
  }

  private mutating func beginFrame(_ lengthBytes: Int) throws(SocketFault) {
    guard let opcode = Opcode(rawValue: head[0] & 0x0F) else { throw .broken("an unknown opcode") }
    var length = UInt64(head[1] & 0x7F)
    if lengthBytes > 0 {
      length = head[2..<2 + lengthBytes].reduce(0) { $0 << 8 | UInt64($1) }
      guard length >> 63 == 0 else { throw .broken("a length of more than 63 bits") }
      guard length > (lengthBytes == 2 ? 125 : 0xFFFF) else { throw .broken("a length in more bytes than it needs") }
    }
    if !opcode.isControl {
      // Before a byte of it is kept.
      guard length <= UInt64(limitBytes - message.count) else { throw .tooLong }
      fragments += 1
      guard fragments <= fragmentLimit else { throw .tooManyFragments }
      if opcode != .continuation { kind = opcode }
    }
    frame = Frame(
      opcode: opcode, isFinal: head[0] & 0x80 != 0, mask: Array(head[(2 + lengthBytes)...]), missing: Int(length))
  }

  /// What there is of the payload; an event when a message or a control is whole.
  private mutating func readPayload(_ buffer: inout ByteBuffer) throws(SocketFault) -> Event? {
    guard var current = frame else { return nil }
    let count = min(current.missing, buffer.readableBytes)
    if count > 0 {
      if current.opcode.isControl {
        Self.unmask(&buffer, count, current, into: &control)
      } else {
        let start = message.count
        Self.unmask(&buffer, count, current, into: &message)
        if kind == .text {
          let isText = message.withUnsafeBytes { check.consume(UnsafeRawBufferPointer(rebasing: $0[start...])) }
          guard isText else { throw .notText }
        }
      }
      current.missing -= count
      current.taken += count
    }
    guard current.missing == 0 else {
      frame = current
      return nil
    }
    frame = nil
    return current.opcode.isControl ? try finishControl(current.opcode) : try finishData(current.isFinal)
  }

  private mutating func finishData(_ isFinal: Bool) throws(SocketFault) -> Event? {
    guard isFinal else { return nil }
    defer {
      kind = nil
      message = []
      fragments = 0
      check = UTF8Check()
    }
    guard kind == .text else { return .binary(message) }
    guard check.isWhole else { throw .notText }
    return .text(message)
  }

  private mutating func finishControl(_ opcode: Opcode) throws(SocketFault) -> Event? {
    let payload = control
    control = []
    switch opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong(payload)
    default: return try Self.close(payload)
    }
  }

  /// RFC 6455 §5.5.1 and §7.4.
  private static func close(_ payload: [UInt8]) throws(SocketFault) -> Event {
    guard !payload.isEmpty else { return .close(nil, reason: []) }
    guard payload.count >= 2 else { throw .broken("half a close code") }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: break
    default: throw .broken("a close code that means nothing")
    }
    var check = UTF8Check()
    let reason = Array(payload[2...])
    guard reason.withUnsafeBytes({ check.consume($0) }), check.isWhole else { throw .notText }
    return .close(code, reason: reason)
  }

  /// Takes `count` bytes and appends them without their mask (RFC 6455 §5.3), eight at a time.
  private static func unmask(_ buffer: inout ByteBuffer, _ count: Int, _ frame: Frame, into bytes: inout [UInt8]) {
    let start = bytes.count
    if bytes.capacity - start < count {
      bytes.reserveCapacity(max(start + count, min(start * 2, start + frame.missing)))
    }
    buffer.readWithUnsafeReadableBytes { readable in
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: readable[..<count]))
      return count
    }
    let mask = (0..<8).map { frame.mask[(frame.taken + $0) % 4] }
    let word = mask.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    bytes.withUnsafeMutableBytes { bytes in
      var place = start
      while place + 8 <= bytes.count {
        let masked = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        bytes.storeBytes(of: masked ^ word, toByteOffset: place, as: UInt64.self)
        place += 8
      }
      while place < bytes.count {
        bytes[place] ^= mask[(place - start) % 4]
        place += 1
      }
    }
  }
}
