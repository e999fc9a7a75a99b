// Deadlines of connections: one timer for all of an event loop, none for each connection.
import NIOCore

/// Something that has deadlines. Called on its event loop.
protocol Watched: AnyObject {
  func check(now: NIODeadline)
}

/// Looks at every connection of one event loop, four times a second. Belongs to the loop: not to be touched from elsewhere.
///
/// A timer for each connection would cost memory where ten thousand are idle; a look costs some nanoseconds.
final class LoopWatch {
  static let interval = TimeAmount.milliseconds(250)

  private var watched: [ObjectIdentifier: any Watched] = [:]
  private let task: RepeatedTask

  init(_ loop: any EventLoop) {
    let place = Place()
    let bound = NIOLoopBound(place, eventLoop: loop)
    task = loop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
      bound.value.watch?.look()
    }
    place.watch = self
  }

  private final class Place {
    weak var watch: LoopWatch?
  }

  func add(_ object: some Watched) { watched[ObjectIdentifier(object)] = object }
  func remove(_ object: some Watched) { watched[ObjectIdentifier(object)] = nil }
  func stop() { task.cancel() }

  private func look() {
    let now = NIODeadline.now()
    for object in Array(watched.values) { object.check(now: now) }
  }
}
