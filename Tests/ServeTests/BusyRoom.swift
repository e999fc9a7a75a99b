// A daemon whose database has no time for anybody.
import Dispatch

@testable import gibsey_serve

/// Both readers of the database, busy until they are let go.
struct BusyRoom {
  private let held = DispatchSemaphore(value: 0)

  init(_ server: TestServer) async {
    for _ in 0..<2 {
      let begun = Signal()
      Task { [held] in
        try await server.service.room.read { _ in
          begun.fire()
          held.wait()
        }
      }
      await begun.wait()
    }
  }

  func letGo() { for _ in 0..<2 { held.signal() } }
}
