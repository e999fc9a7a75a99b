// A socket that a service manager opened and handed over.
import GibseyKit
import Glibc

/// A listening socket of this process that somebody else bound, and where it listens.
struct InheritedSocket: Sendable, Equatable {
  let descriptor: FileDescriptor
  /// Nil for a socket file.
  let address: ListenAddress?

  /// - Throws: `GibseyError.cannotCreate` for a descriptor that is no listening stream socket.
  init(_ descriptor: FileDescriptor) throws {
    self.descriptor = descriptor
    var place = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let code = withUnsafeMutablePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor.number, $0, &length) }
    }
    var isListening: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard code == 0, getsockopt(descriptor.number, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0,
      isListening == 1
    else {
      throw GibseyError.cannotCreate(path: "descriptor \(descriptor.number)", reason: "not a socket that listens")
    }
    address = Int32(place.ss_family) == AF_UNIX ? nil : Self.address(place, length)
  }

  private static func address(_ place: sockaddr_storage, _ length: socklen_t) -> ListenAddress? {
    var place = place
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let code = withUnsafePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getnameinfo(
          $0, length, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
      }
    }
    guard code == 0 else { return nil }
    return ListenAddress(host: Self.text(host), port: Int(Self.text(port)) ?? 0)
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
