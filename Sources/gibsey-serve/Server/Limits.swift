// Everything that bounds what a stranger can take. Each is a flag where nothing else is said; the reasons stand beside the defaults.
import GibseyKit
import NIOCore

/// The bounds of the daemon, in one value.
struct Limits: Sendable, Equatable {
  /// Connections open at once, of everybody.
  var connections = 20_000
  /// Connections open at once, of one address.
  var connectionsPerAddress = 1024
  /// Of one record or message, however many fragments it comes in.
  var messageBytes = 1 << 20
  /// Fragments of one message: empty ones cost memory too.
  var fragments = 4096
  /// Messages that one socket may send in a second, over ten seconds.
  var messagesPerSecond = 50
  /// The request target: path and query.
  var targetBytes = 8 << 10
  /// All header lines together, and how many.
  var headerBytes = 32 << 10
  var headers = 100
  /// The body of a request.
  var bodyBytes = 1 << 20
  /// Bodies and messages that are not whole yet, of all connections together; of each the first `Allowance.freeBytes` are free.
  var incomingBytes = 64 << 20
  /// From the connection to the end of the request's head, however slowly its bytes come.
  var headTime = TimeAmount.seconds(10)
  /// From the head to the end of the body.
  var bodyTime = TimeAmount.seconds(30)
  /// How long a connection is kept without a request.
  var idleTime = TimeAmount.seconds(60)
  /// Who has closed its side may be waiting for its response, or gone: so long it is taken for the one, then for the other. No flag:
  /// the work for who has left ends within a second.
  var halfClosedTime = TimeAmount.milliseconds(750)
  /// A reader that takes nothing for so long is cut.
  var writeTime = TimeAmount.seconds(10)
  /// What may wait for one reader before its writer has to.
  var outboundBytes = 64 << 10
  /// A socket is pinged when it was silent for so long, and dropped when it was for three times as long.
  var heartbeat = TimeAmount.seconds(25)
  /// Questions of one socket that wait for their turn.
  var queue = 8
  /// The text of one answer: all of it is kept for whoever comes later, and in the database.
  var answerBytes = KeptAnswer.limitBytes
  /// Answers of one socket that run side by side.
  var parallel = 1
  /// Sockets that are gone while what was asked over them is still being answered: as many as one address may have open.
  var absent = 1024
  /// Answers that have ended and are kept for readers who may come back, all together.
  var keptBytes = 64 << 20
}
