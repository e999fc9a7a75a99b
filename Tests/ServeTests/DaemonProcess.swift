// The daemon as its users have it: a process of its own, with a story, a port and signals.
import Foundation
import Glibc
import Synchronization

@testable import GibseyKit

/// A running gibsey-serve; killed when this goes, if it still runs. Its identity is the process.
final class DaemonProcess: Sendable {
  /// How it ended: its exit status, or the signal that ended it.
  enum Ending: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  struct NeverListened: Error { let said: String }

  let port: Int
  let folder: String
  private let process: Mutex<Process>
  private let ended: Signal
  var pid: Int32 { process.withLock { $0.processIdentifier } }

  /// Waits until it listens.
  /// - Parameter files: how many descriptors it may have.
  init(_ flags: [String] = [], files: Int = 1024, environment: [String: String] = [:]) throws {
    folder = NSTemporaryDirectory() + "daemon-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try TestServer.write(TestServer.pages(3), to: folder + "/story.db")
    let programs = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
    let process = Process()
    // Signals that whoever runs the tests ignores would be ignored by the daemon too.
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["--default-signal", "/bin/sh", "-c", "ulimit -n \(files); exec \"$@\"", "sh", programs + "/gibsey-serve"]
      + ["--database", "story.db", "--listen", "127.0.0.1:0"] + flags
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = [
      "PATH": "/usr/bin:/bin", "HOME": folder, "GIBSEY_EMBEDDER": "none", "GIBSEY_FALLBACK": "ollama",
    ].merging(environment) { $1 }
    let (said, ended) = (Pipe(), Signal())
    process.standardError = said
    process.standardInput = FileHandle.nullDevice
    // Else whoever waits for the end of the tests' output would wait for a daemon that outlived them.
    process.standardOutput = FileHandle.nullDevice
    process.terminationHandler = { _ in ended.fire() }
    try process.run()
    var text = ""
    var port: Int?
    while port == nil {
      let more = said.fileHandleForReading.availableData
      guard !more.isEmpty else { throw NeverListened(said: text) }
      text += String(decoding: more, as: UTF8.self)
      port = text.firstMatch(of: /listening at http:\/\/127\.0\.0\.1:([0-9]+)\n/).flatMap { Int($0.output.1) }
    }
    self.port = port ?? 0
    self.ended = ended
    self.process = Mutex(process)
  }

  deinit {
    process.withLock { if $0.isRunning { kill($0.processIdentifier, SIGKILL) } }
    try? FileManager.default.removeItem(atPath: folder)
  }

  func send(_ signal: Int32) { kill(pid, signal) }

  /// Waits for its end.
  func ending() async -> Ending {
    await ended.wait()
    return process.withLock { process in
      process.terminationReason == .exit ? .exit(process.terminationStatus) : .signal(process.terminationStatus)
    }
  }

  /// Descriptors that it has open.
  var openFiles: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0 }

  /// Processor time that it has used, in hundredths of a second (proc(5), stat).
  var processorTicks: Int {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
  }
}
