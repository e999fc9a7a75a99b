// The user's own list of prices.
internal import Glibc

extension ToolContext {
  private static let limitBytes = 1 << 20
  /// Prices older than that are told to be.
  private static let staleDays = 180

  /// The list that GIBSEY_PRICES names; nil when it names none. One that is old is warned of.
  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`, `.malformedInput`.
  public func priceList() throws -> PriceList? {
    guard let path = settings.string(.prices) else { return nil }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? GibseyError.noSuchFile(path: path) : .cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      let block = try FileDescriptor(number: descriptor).read(limit: 64 << 10, named: path)
      if block.isEmpty { break }
      bytes += block
      guard bytes.count <= Self.limitBytes else {
        throw GibseyError.malformedInput(source: path, line: nil, reason: "longer than \(Self.limitBytes) bytes")
      }
    }
    do {
      let list = try PriceList(Array(ByteOrderMark.dropped(from: bytes)))
      let age = list.age(onDay: Timestamp.now().microseconds / 86_400_000_000)
      if age > Self.staleDays {
        diagnostics.warning("\(path): its prices are of \(list.date), \(age) days ago: they may have changed")
      }
      return list
    } catch let problem as RecordProblem {
      throw GibseyError.malformedInput(source: path, line: nil, reason: problem.reason)
    }
  }
}
