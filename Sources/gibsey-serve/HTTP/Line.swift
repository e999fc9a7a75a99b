// The short way out of a connection: whoever has a token gives it to the kernel, without a turn of the event loop.
import Glibc
import NIOCore

/// A descriptor of its own for a socket that NIO holds: when NIO closes its own, and the kernel gives that number to somebody else,
/// nothing of ours goes there. Its identity is the descriptor, which is closed with the last reference.
final class Line: Sendable {
  private let descriptor: CInt

  /// Call it on the channel's event loop; nil where the channel is no open socket, or there is no descriptor to be had.
  init?(_ channel: any Channel) {
    let copy = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
      fcntl($0, F_DUPFD_CLOEXEC, 0)
    }
    guard let copy, copy >= 0 else { return nil }
    descriptor = copy
  }

  deinit { close(descriptor) }

  /// Writes what the kernel takes now, and leaves the rest. What went wrong with the connection is told to who writes the rest.
  func write(_ bytes: inout ByteBuffer) {
    let count = bytes.withUnsafeReadableBytes {
      send(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
    }
    if count > 0 { bytes.moveReaderIndex(forwardBy: count) }
  }
}
