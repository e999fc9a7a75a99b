// Several threads of the network, for a process whose answers stream on all processors.
internal import Synchronization

/// Sends by one of several `CurlTransport`s, each with a thread and kept connections of its own. Its identity are these.
public final class CurlPool: Transport {
  private let transports: [CurlTransport]
  /// How many tasks have their seat at each.
  private let seated: Mutex<[Int]>

  /// - Parameters:
  ///   - threads: so many at most; each is started when it is first wanted.
  ///   - gathering: see `CurlTransport`.
  public init(
    threads: Int, trust: HTTPTrust = HTTPTrust(), buffers: HTTPBuffers = HTTPBuffers(), gathering: Duration = .zero
  ) {
    let count = max(1, threads)
    transports = (0..<count).map { _ in CurlTransport(trust: trust, buffers: buffers, gathering: gathering) }
    seated = Mutex(Array(repeating: 0, count: count))
  }

  /// At the transport with the fewest tasks, the first of several: who asks now and then meets the connections that are kept.
  public func seat() -> NetworkSeat {
    let place = seated.withLock { seated in
      let place = seated.indices.min { seated[$0] < seated[$1] } ?? 0
      seated[place] += 1
      return place
    }
    return NetworkSeat(executor: transports[place].executor) { [self] in seated.withLock { $0[place] -= 1 } }
  }

  /// Sends by the transport that runs the task; the first one where none does.
  public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    try await (own ?? transports[0]).send(request)
  }

  public func letOthersGoFirst() async { await own?.letOthersGoFirst() }

  private var own: CurlTransport? { transports.first { $0.runsThisTask } }
}
