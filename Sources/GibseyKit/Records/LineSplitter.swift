// Splits bytes into lines as they come, however they are cut, in bounded memory.
internal import Glibc

/// An incremental line splitter: blocks in, whole lines out. A value; it does no I/O.
public struct LineSplitter: Sendable {
  /// One line, or that there was one too long to keep.
  public enum Line: Sendable, Equatable {
    /// The bytes without the line feed and a carriage return before it.
    case whole([UInt8])
    /// A line over the limit; its bytes are gone.
    case tooLong
  }

  /// Lines longer than this are reported, not kept.
  public let limitBytes: Int
  private var rest: [UInt8] = []
  private var isSkipping = false

  public init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// Calls `visit` for each line that ends in `block`, in order.
  public mutating func consume(_ block: [UInt8], _ visit: (Line) throws -> Void) rethrows {
    try block.withUnsafeBufferPointer { bytes in
      try consumeInPlace(bytes, skip: { $1 }) { line, _ in
        try visit(line.map { .whole(Array($0)) } ?? .tooLong)
      }
    }
  }

  /// Like `consume`, without a copy of lines that lie whole in the block. The bytes are valid only during the call.
  /// - Parameters:
  ///   - skip: is given a place where a line starts, and tells up to where it has read the lines itself.
  ///   - visit: gets a line (nil is one too long) and, when it lies whole in the block, the line with its end.
  mutating func consumeInPlace(
    _ bytes: UnsafeBufferPointer<UInt8>, skip: (UnsafeBufferPointer<UInt8>, Int) throws -> Int,
    _ visit: (UnsafeBufferPointer<UInt8>?, _ frame: UnsafeBufferPointer<UInt8>?) throws -> Void
  ) rethrows {
    var start = 0
    while start < bytes.count {
      if rest.isEmpty, !isSkipping { start = try skip(bytes, start) }
      guard start < bytes.count,
        let found = memchr(bytes.baseAddress! + start, 0x0A, bytes.count - start)
      else { break }
      let stop = UnsafeRawPointer(bytes.baseAddress!).distance(to: UnsafeRawPointer(found))
      let frame = UnsafeBufferPointer(rebasing: bytes[start...stop])
      try end(UnsafeBufferPointer(rebasing: bytes[start..<stop]), frame, visit)
      start = stop + 1
    }
    keep(bytes[start...])
  }

  /// The last line, when it lacks its line feed. Call once, at the end of the input.
  public mutating func finish(_ visit: (Line) throws -> Void) rethrows {
    defer { self = LineSplitter(limitBytes: limitBytes) }
    if isSkipping { return try visit(.tooLong) }
    guard !rest.isEmpty else { return }
    let line = rest.withUnsafeBufferPointer { kept($0).map { Array($0) } }
    try visit(line.map { .whole($0) } ?? .tooLong)
  }

  private mutating func end(
    _ line: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>,
    _ visit: (UnsafeBufferPointer<UInt8>?, UnsafeBufferPointer<UInt8>?) throws -> Void
  ) rethrows {
    if isSkipping || rest.count + line.count > limitBytes + 1 {
      isSkipping = false
      rest.removeAll(keepingCapacity: true)
      return try visit(nil, nil)
    }
    guard !rest.isEmpty else { return try visit(kept(line), frame) }
    rest.append(contentsOf: line)
    let whole = rest
    rest = []
    try whole.withUnsafeBufferPointer { try visit(kept($0), nil) }
  }

  /// The line without its carriage return; nil when what is left is over the limit.
  private func kept(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
    let trimmed = line.last == 0x0D ? UnsafeBufferPointer(rebasing: line.dropLast()) : line
    return trimmed.count > limitBytes ? nil : trimmed
  }

  private mutating func keep(_ tail: Slice<UnsafeBufferPointer<UInt8>>) {
    guard !isSkipping else { return }
    if rest.count + tail.count > limitBytes + 1 {
      isSkipping = true
      rest = []
    } else {
      rest.append(contentsOf: tail)
    }
  }
}
