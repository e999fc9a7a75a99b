// The short way out of a connection: whoever has a token gives it to the kernel, without a turn of the event loop.
import Glibc
import NIOCore

/// A descriptor of its own for a socket that NIO holds: when NIO closes its own, and the kernel gives that number to somebody else,
/// nothing of ours goes there. Its identity is the descriptor, which is closed with the last reference.
final class SocketDescriptor: Sendable {
  /// The system gives the lowest number that is free: one from here on says that three of four are taken, and the last are for
  /// readers who come and for providers, without whom there is no answer at all.
  static let ceiling: CInt = {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return CInt(clamping: limit.rlim_cur / 4 * 3)
  }()

  private let descriptor: CInt

  /// Call it on the channel's event loop; nil where the channel is no open socket, or there is no descriptor below the ceiling.
  init?(_ channel: any Channel, below ceiling: CInt = SocketDescriptor.ceiling) {
    let copy = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
      fcntl($0, F_DUPFD_CLOEXEC, 0)
    }
    guard let copy, copy >= 0 else { return nil }
    guard copy < ceiling else {
      close(copy)
      return nil
    }
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
