// Server-sent events (html.spec.whatwg.org, 9.2.6): bytes in, the data of each event out.
internal import Glibc

// `throws`, not `rethrows`: Swift 6.3 hands on a wrong error when these functions rethrow through closures.

/// An incremental parser of an event stream, however its bytes are cut, in bounded memory. A value; no I/O.
struct SSEParser: Sendable {
  /// What the stream holds.
  enum Event {
    /// The data of one event and whether its name is `error`; and, where it lies in one piece, the whole event with the
    /// empty line at its end. The bytes are valid only during the call.
    case data(UnsafeBufferPointer<UInt8>, isError: Bool, frame: UnsafeBufferPointer<UInt8>?)
    /// An object that is in no field, in one line or in several: what a server writes that does not stream.
    case stray(UnsafeBufferPointer<UInt8>)
    /// An event over the limit; its bytes are gone.
    case tooLong
  }

  private let limitBytes: Int
  /// The start of a line whose end has not come.
  private var rest: [UInt8] = []
  /// The data of the event so far, unless it is one line that lies whole in the current block.
  private var data: [UInt8] = []
  private var hasData = false
  private var isError = false
  private var isTooLong = false
  private var isLineTooLong = false
  /// The last byte was a CR: a line feed right after it belongs to it.
  private var endedInReturn = false
  private var isAtStart = true
  /// A line of an event was read, and not yet the empty one at its end.
  private var isInEvent = false
  /// An object that is in no field and has not ended.
  private var object: OpenObject?
  /// Lines read so far, comments included.
  private(set) var lineCount = 0

  /// - Parameter limitBytes: longer lines and events are reported, not kept.
  init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// - Parameter skip: is given a place where an event starts, and tells up to where it has read the events itself.
  mutating func consume(
    _ bytes: UnsafeBufferPointer<UInt8>, skip: (UnsafeBufferPointer<UInt8>, Int) -> Int,
    _ visit: (Event) throws -> Void
  ) throws {
    var start = 0
    var (nextFeed, nextReturn) = (-1, -1)
    var frameStart: Int? = isBetweenEvents ? 0 : nil
    // One line of data that lies whole in this block: not copied unless its event goes on in the next.
    var whole: UnsafeBufferPointer<UInt8>?
    while start < bytes.count {
      if endedInReturn, bytes[start] == 0x0A { start += 1 }
      endedInReturn = false
      if frameStart == start {
        start = skip(bytes, start)
        frameStart = start
      }
      if nextFeed < start { nextFeed = Self.find(0x0A, in: bytes, from: start) }
      if nextReturn < start { nextReturn = Self.find(0x0D, in: bytes, from: start, to: nextFeed) }
      let end = min(nextFeed, nextReturn)
      guard end < bytes.count else { break }
      let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
      let frame = line.isEmpty ? frameStart.map { UnsafeBufferPointer(rebasing: bytes[$0...end]) } : nil
      try self.line(line, frame, &whole, visit)
      endedInReturn = end == nextReturn && nextReturn < nextFeed
      start = end + 1
      if line.isEmpty { frameStart = endedInReturn ? nil : start }
    }
    if let whole { keep(whole) }
    if start < bytes.count { hold(bytes[start...]) }
  }

  /// Whether nothing of an event is held.
  private var isBetweenEvents: Bool {
    rest.isEmpty && !isInEvent && !isLineTooLong && !endedInReturn && !isAtStart && object == nil
  }

  /// The end of the bytes: the last event may lack its empty line.
  mutating func finish(_ visit: (Event) throws -> Void) throws {
    var whole: UnsafeBufferPointer<UInt8>?
    if !rest.isEmpty || isLineTooLong {
      try line(UnsafeBufferPointer(start: nil, count: 0), nil, &whole, visit)
    }
    try endObject(visit)
    try dispatch(&whole, nil, visit)
  }

  private static func find(
    _ byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int? = nil
  ) -> Int {
    let limit = end ?? bytes.count
    guard let base = bytes.baseAddress, start < limit else { return limit }
    guard let found = memchr(base + start, Int32(byte), limit - start) else { return limit }
    return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
  }

  private mutating func hold(_ tail: Slice<UnsafeBufferPointer<UInt8>>) {
    guard !isLineTooLong else { return }
    rest.append(contentsOf: tail)
    if rest.count > limitBytes {
      isLineTooLong = true
      rest = []
    }
  }

  private mutating func line(
    _ tail: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>?,
    _ whole: inout UnsafeBufferPointer<UInt8>?, _ visit: (Event) throws -> Void
  ) throws {
    lineCount += 1
    isInEvent = true
    if isLineTooLong {
      isLineTooLong = false
      isTooLong = true
      hasData = true
      return
    }
    guard !rest.isEmpty else { return try field(tail, frame, isLasting: true, &whole, visit) }
    rest.append(contentsOf: tail)
    let joined = rest
    rest = []
    try joined.withUnsafeBufferPointer { try field($0, nil, isLasting: false, &whole, visit) }
  }

  /// - Parameter isLasting: whether the bytes outlive this call, because they lie in the block.
  private mutating func field(
    _ line: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>?, isLasting: Bool,
    _ whole: inout UnsafeBufferPointer<UInt8>?, _ visit: (Event) throws -> Void
  ) throws {
    var line = line
    if isAtStart {
      isAtStart = false
      if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = UnsafeBufferPointer(rebasing: line[3...]) }
    }
    if object != nil, try isOfObject(line, visit) { return }
    guard !line.isEmpty else {
      isInEvent = false
      return try dispatch(&whole, frame, visit)
    }
    if let value = Self.value(of: "data:", in: line) {
      if let earlier = whole { keep(earlier) }
      whole = nil
      if isLasting, !hasData { whole = value } else { keep(value) }
    } else if let value = Self.value(of: "event:", in: line) {
      isError = value.elementsEqual("error".utf8)
    } else if let value = Self.value(of: "error:", in: line) {
      isError = true
      keep(value)
    } else if line.first == UInt8(ascii: "{") {
      object = OpenObject(line, limitBytes: limitBytes)
      if object == nil { try visit(.stray(line)) }
    }
  }

  /// Whether the line goes on with the object that is open; a field ends that, for no line of JSON begins like one.
  private mutating func isOfObject(_ line: UnsafeBufferPointer<UInt8>, _ visit: (Event) throws -> Void) throws -> Bool {
    let isField = Self.value(of: "data:", in: line) != nil || Self.value(of: "event:", in: line) != nil
    guard !isField, object?.add(line) == true else {
      try endObject(visit)
      return false
    }
    if object?.isClosed == true { try endObject(visit) }
    return true
  }

  private mutating func endObject(_ visit: (Event) throws -> Void) throws {
    guard let bytes = object?.bytes else { return }
    object = nil
    try bytes.withUnsafeBufferPointer { try visit(.stray($0)) }
  }

  private static func value(
    of name: StaticString, in line: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8>? {
    let count = name.utf8CodeUnitCount
    guard line.count >= count, let base = line.baseAddress, memcmp(base, name.utf8Start, count) == 0
    else {
      return nil
    }
    let start = line.count > count && line[count] == 0x20 ? count + 1 : count
    return UnsafeBufferPointer(rebasing: line[start...])
  }

  private mutating func keep(_ value: UnsafeBufferPointer<UInt8>) {
    if hasData { data.append(0x0A) }
    hasData = true
    guard !isTooLong, data.count + value.count <= limitBytes else {
      isTooLong = true
      data = []
      return
    }
    data.append(contentsOf: value)
  }

  private mutating func dispatch(
    _ whole: inout UnsafeBufferPointer<UInt8>?, _ frame: UnsafeBufferPointer<UInt8>?,
    _ visit: (Event) throws -> Void
  ) throws {
    let wasError = isError
    isError = false
    if let value = whole {
      whole = nil
      return try visit(.data(value, isError: wasError, frame: frame))
    }
    guard hasData else { return }
    hasData = false
    if isTooLong {
      isTooLong = false
      return try visit(.tooLong)
    }
    let value = data
    data = []
    try value.withUnsafeBufferPointer { try visit(.data($0, isError: wasError, frame: nil)) }
  }
}
