// The exit statuses of every tool, after sysexits.h.

/// What a tool's exit status says; the table is in gibsey(7).
public enum ExitStatus: Int32, Sendable, CaseIterable {
  case done = 0
  case foundNothing = 1
  case falseCitation = 3
  case usage = 64
  case malformed = 65
  case noInput = 66
  case unavailable = 69
  case internalError = 70
  case cannotCreate = 73
  case cannotWrite = 74
  case tryAgain = 75
  case protocolBroken = 76
  case notPermitted = 77
  case badSettings = 78
}
