// Who talks over a socket, and the handle that it talks with.
import NIOCore

/// The one behind a socket. Called on the socket's event loop: it must not wait.
protocol SocketPeer: AnyObject, Sendable {
  /// The socket stands. Called once, before anything else.
  func begin(_ socket: Socket)
  func receive(text: [UInt8])
  func receive(binary: [UInt8])
  /// Whether it has more than enough to do: nothing more is read until `Socket.readAgain`.
  var isFull: Bool { get }
  /// The connection is gone. Called once, after everything else.
  func end()
}

/// A socket from any thread.
final class Socket: Sendable {
  private let channel: any Channel
  private let outlet: Outlet

  init(_ channel: any Channel, _ outlet: Outlet) {
    self.channel = channel
    self.outlet = outlet
  }

  var isClosed: Bool { outlet.isClosed }
  /// What was written and is not yet with the kernel.
  var pendingBytes: Int { outlet.pendingBytes }
  /// Whether as much waits as may: see `Outlet`.
  var isBehind: Bool { outlet.isBehind }
  /// Whether so much waits that what its reader says is not heard.
  var isFlooded: Bool { outlet.isFlooded }
  /// Whether an answer waits for its reader, who lags.
  var isAwaited: Bool { outlet.isAwaited }

  /// Writes frames, without waiting.
  func offer(_ frames: ByteBuffer) { outlet.offer(frames, count: frames.readableBytes) }

  /// Writes frames unless the reader is behind already; false when it is.
  func offerIfKeepingUp(_ frames: ByteBuffer) -> Bool {
    guard !outlet.isBehind else { return false }
    return outlet.offer(frames, count: frames.readableBytes)
  }

  /// Writes frames of an answer.
  /// - Returns: whether there is room for more; else `room` is to be awaited.
  /// - Throws: `CancellationError` when the connection is gone.
  func stream(_ frames: ByteBuffer) throws -> Bool { try outlet.stream(frames) }

  /// Nobody waits here for that owner, until `calm`.
  func hurry(_ owner: ObjectIdentifier) { outlet.hurry(owner) }
  func calm(_ owner: ObjectIdentifier) { outlet.calm(owner) }

  /// An answer is streamed from now on, or is no more: see `Outlet.beginStream`.
  func beginStream() { outlet.beginStream() }
  func endStream() { outlet.endStream() }

  /// Waits until there is room to write.
  /// - Parameter owner: for whom; after `hurry` of that one nobody waits.
  /// - Returns: whether the reader lags: see `Outlet.room`.
  /// - Throws: `CancellationError` when the connection is gone, the task is cancelled or the owner hurried.
  @discardableResult
  func room(for owner: ObjectIdentifier? = nil) async throws -> Bool { try await outlet.room(for: owner) }

  /// Whoever was full is not any more.
  func readAgain() { channel.triggerUserOutboundEvent(SocketHandler.Again(), promise: nil) }

  /// Closes with a code, after what was written.
  func close(_ code: UInt16, reason: String) {
    channel.triggerUserOutboundEvent(SocketHandler.Farewell(code: code, reason: reason), promise: nil)
  }
}
