// Says back what it hears: for tests of the frames, of other people's too.
import NIOHTTP1
import Synchronization

@testable import gibsey_serve

final class EchoPeer: SocketPeer {
  private let socket = Mutex<Socket?>(nil)
  let hasEnded = Signal()

  func begin(_ socket: Socket) { self.socket.withLock { $0 = socket } }
  func receive(text: [UInt8]) { socket.withLock { $0 }?.offer(FrameWriter.frame(.text, text)) }
  func receive(binary: [UInt8]) { socket.withLock { $0 }?.offer(FrameWriter.frame(.binary, binary)) }
  var isFull: Bool { false }
  func end() {
    socket.withLock { $0 = nil }
    hasEnded.fire()
  }

  /// Where it is found.
  static func route(_ peer: @escaping @Sendable () -> EchoPeer = { EchoPeer() }) -> Route {
    Route(.GET, "/echo") { request, _ in .socket(try Handshake.accept(request), peer()) }
  }
}
