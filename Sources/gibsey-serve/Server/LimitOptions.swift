// The flags of the limits.
import ArgumentParser
import NIOCore

/// Each limit as a flag; what is not said stays as `Limits` has it.
struct LimitOptions: ParsableArguments {
  @Option(help: "Connections open at once; 20000 by default.") var maxConnections: Int?
  @Option(help: "Connections open at once of one address; 1024.") var maxConnectionsPerAddress: Int?
  @Option(help: "Bytes of one message or request body; 1048576.") var maxMessage: Int?
  @Option(help: "Bytes of all bodies and messages that are not whole; 67108864.") var maxIncoming: Int?
  @Option(help: "Fragments of one message; 4096.") var maxFragments: Int?
  @Option(help: "Messages of one socket in a second, over ten; 50.") var maxRate: Int?
  @Option(help: "Bytes of a request's target; 8192.") var maxTarget: Int?
  @Option(help: "Bytes of a request's header lines; 32768.") var maxHeader: Int?
  @Option(help: "Header lines of a request; 100.") var maxHeaders: Int?
  @Option(help: "Seconds for a request's head, from the connection on; 10.") var headTime: Double?
  @Option(help: "Seconds for a request's body; 30.") var bodyTime: Double?
  @Option(help: "Seconds that a connection is kept without a request; 60.") var idleTime: Double?
  @Option(help: "Seconds that a reader may take nothing; 10.") var writeTime: Double?
  @Option(help: "Bytes that may wait for one reader; 65536.") var maxOutbound: Int?
  @Option(help: "Bytes of the text of one answer; 2097152.") var maxAnswer: Int?
  @Option(help: "Seconds of silence after which a socket is pinged; 25.") var heartbeat: Double?
  @Option(help: "Questions of one socket that wait; 8.") var queue: Int?
  @Option(help: "Answers of one socket side by side; 1.") var parallel: Int?

  @Option(help: "Sockets that are gone while they are answered; 1024.") var maxAbsent: Int?
  @Option(help: "Bytes of ended answers that may be come back to; 67108864.") var maxKept: Int?

  /// More than any machine has, and few enough to be counted with.
  private static let most = 1_000_000_000

  func validate() throws {
    let counts = [
      ("max-answer", maxAnswer),
      ("max-connections", maxConnections), ("max-connections-per-address", maxConnectionsPerAddress),
      ("max-message", maxMessage), ("max-incoming", maxIncoming),
      ("max-fragments", maxFragments), ("max-rate", maxRate), ("max-target", maxTarget),
      ("max-header", maxHeader), ("max-headers", maxHeaders), ("max-outbound", maxOutbound), ("parallel", parallel),
    ]
    for (name, value) in counts {
      if let value, !(1...Self.most).contains(value) { throw ValidationError("--\(name) is from 1 to \(Self.most)") }
    }
    for (name, value) in [("queue", queue), ("max-absent", maxAbsent), ("max-kept", maxKept)] {
      if let value, !(0...Self.most).contains(value) { throw ValidationError("--\(name) is from 0 to \(Self.most)") }
    }
    let times = [
      ("head-time", headTime), ("body-time", bodyTime), ("idle-time", idleTime), ("write-time", writeTime),
      ("heartbeat", heartbeat),
    ]
    for (name, value) in times {
      if let value, !(0.1...86_400).contains(value) { throw ValidationError("--\(name) is 0.1 to 86400 seconds") }
    }
  }

  var limits: Limits {
    var limits = Limits()
    func set<Value>(_ value: Value?, _ place: WritableKeyPath<Limits, Value>) {
      if let value { limits[keyPath: place] = value }
    }
    func set(seconds: Double?, _ place: WritableKeyPath<Limits, TimeAmount>) {
      if let seconds { limits[keyPath: place] = .milliseconds(Int64(seconds * 1000)) }
    }
    set(maxConnections, \.connections)
    set(maxConnectionsPerAddress, \.connectionsPerAddress)
    set(maxMessage, \.messageBytes)
    set(maxMessage, \.bodyBytes)
    set(maxIncoming, \.incomingBytes)
    set(maxFragments, \.fragments)
    set(maxRate, \.messagesPerSecond)
    set(maxTarget, \.targetBytes)
    set(maxHeader, \.headerBytes)
    set(maxHeaders, \.headers)
    set(maxOutbound, \.outboundBytes)
    set(maxAnswer, \.answerBytes)
    set(queue, \.queue)
    set(parallel, \.parallel)
    set(maxAbsent, \.absent)
    set(maxKept, \.keptBytes)
    set(seconds: headTime, \.headTime)
    set(seconds: bodyTime, \.bodyTime)
    set(seconds: idleTime, \.idleTime)
    set(seconds: writeTime, \.writeTime)
    set(seconds: heartbeat, \.heartbeat)
    return limits
  }
}
