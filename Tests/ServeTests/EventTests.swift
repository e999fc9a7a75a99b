// What happens is told in one line an event, and nobody waits for whoever listens.
import Foundation
import Glibc
import Synchronization
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct EventTests {
  private static let time = Timestamp(microseconds: 1_750_066_340_776_166)

  /// The lines that `body` makes an event log write.
  private func lines(_ format: LogFormat = .text, isVerbose: Bool = false, body: (EventLog) -> Void) throws -> (
    events: [String], log: [String]
  ) {
    let (events, log) = (Pipe(), Pipe())
    let serverLog = ServerLog(
      lines: try LineWriter(FileDescriptor(number: log.fileHandleForWriting.fileDescriptor), named: "log"),
      format: format, tool: "gibsey-serve", isVerbose: isVerbose, now: { Self.time })
    let eventLog = EventLog(
      lines: try LineWriter(FileDescriptor(number: events.fileHandleForWriting.fileDescriptor), named: "events"),
      log: serverLog, now: { Self.time })
    body(eventLog)
    eventLog.close()
    return (try Self.read(events), try Self.read(log))
  }

  private static func read(_ pipe: Pipe) throws -> [String] {
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  @Test func anEventIsARecordThatTheGrammarReads() throws {
    let told = try lines { $0.note(.firstToken) { $0.with("response_id", "r1").with("duration_ms", 180) } }
    let line =
      #"{"type":"event","data":{"name":"first_token","timestamp":"2025-06-16T09:32:20.776166Z","response_id":"r1","duration_ms":180}}"#
    #expect(told.events == [line])
    #expect(RecordCoder.encode(try RecordCoder.decode(Array(line.utf8))) == Array((line + "\n").utf8))
  }

  @Test func theLogTellsTheNewsAndTheRestOnlyWhenAsked() throws {
    let happens = { (log: EventLog) in
      log.note(.connected) { $0.with("session_id", "s1") }
      log.note(.completed) { $0.with("session_id", "s1").with("tokens", 12) }
    }
    #expect(try lines(body: happens).log == ["gibsey-serve: completed session_id=s1 tokens=12"])
    #expect(
      try lines(isVerbose: true, body: happens).log == [
        "gibsey-serve: debug: connected session_id=s1", "gibsey-serve: completed session_id=s1 tokens=12",
      ])
  }

  @Test func whatAClientChoseCanForgeNoLine() throws {
    let forged = "s1\ngibsey-serve: completed session_id=\u{1B}[31mroot\u{202E}"
    let happens = { (log: EventLog) in log.note(.failed) { $0.with("session_id", forged) } }
    let text = try lines(body: happens).log
    #expect(
      text == [
        #"gibsey-serve: warning: failed session_id="s1\ngibsey-serve: completed session_id=\u001b[31mroot\u{202e}""#
      ])
    let json = try lines(.json, body: happens)
    #expect(json.log.count == 1)
    #expect(json.events.count == 1)
    #expect(!json.log[0].utf8.contains(0x1B))
    // Neither for who reads lines as Unicode has them, nor for a terminal.
    for forging in ["\u{85}", "\u{2028}", "\u{2029}", "\u{7F}", "\u{9B}31m", "\u{202E}"] {
      for format in [LogFormat.text, .json] {
        let told = try lines(format) { $0.note(.failed) { $0.with("session_id", "s1\(forging)x") } }
        #expect(told.log.count == 1)
        #expect(!told.log[0].unicodeScalars.contains { forging.unicodeScalars.first == $0 }, "\(format): \(told.log)")
      }
    }
  }

  @Test func whatAClientChoseIsCut() throws {
    let long = String(repeating: "a", count: 10_000)
    let told = try lines { $0.note(.failed) { $0.with("session_id", long) } }
    #expect(told.log[0].count < 400)
  }

  @Test func diagnosticsGoTheSameWay() throws {
    let error = GibseyError.cannotRead(path: "story.db", reason: "no such file")
    let log = try lines(.json) {
      $0.diagnostics?.warning("it rains"); $0.diagnostics?.error(error)
    }.log
    #expect(
      log == [
        #"{"time":"2025-06-16T09:32:20.776166Z","level":"warning","message":"it rains"}"#,
        #"{"time":"2025-06-16T09:32:20.776166Z","level":"error","message":"cannot read story.db: no such file"}"#,
      ])
  }

  @Test func aReaderThatStallsHoldsNobodyUpAndIsToldWhatItMissed() throws {
    let pipe = Pipe()
    let writer = try LineWriter(
      FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor), named: "events", limitBytes: 1000)
    let log = EventLog(lines: writer, now: { Self.time })
    // Far more than the pipe and the writer hold; nobody reads.
    for number in 0..<20_000 { log.note(.request) { $0.with("number", number) } }
    let dropped = log.droppedCount
    #expect(dropped > 0)
    // It reads again: what was kept comes, in order, and the gaps are told.
    let reader = pipe.fileHandleForReading
    var text = ""
    // A read may end within a line: only what has its line feed is looked at.
    var whole: Substring { text.lastIndex(of: "\n").map { text.prefix(through: $0) } ?? "" }
    while !whole.contains("\"number\":-1") {
      text += String(decoding: reader.availableData, as: UTF8.self)
      log.note(.request) { $0.with("number", -1) }
    }
    let fields = try whole.split(separator: "\n").map { line in
      guard case .frame(_, let data) = try RecordCoder.decode(Array(line.utf8)) else { return JSONObject() }
      return data.fields
    }
    let numbers = fields.compactMap { $0["number"]?.integerValue }.filter { $0 >= 0 }
    #expect(numbers == numbers.sorted())
    let missed = fields.reduce(0) { $0 + ($1["dropped"]?.integerValue ?? 0) }
    #expect((dropped...log.droppedCount).contains(missed))
  }

  @Test func aReaderThatLeavesIsToldOnce() throws {
    let pipe = Pipe()
    let told = Signal()
    let writer = try LineWriter(FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor), named: "events") {
      #expect($0 == .readerLeft)
      told.fire()
    }
    try pipe.fileHandleForReading.close()
    writer.write { _ in Array("one\n".utf8) }
    writer.close()
    #expect(told.hasFired)
    writer.write { _ in Array("two\n".utf8) }
    #expect(writer.droppedCount == 2)
  }

  @Test func aFullDiskLosesWhatComesMeanwhileAndNoMore() throws {
    let file = NSTemporaryDirectory() + "events-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let place = open("/dev/full", O_WRONLY | O_CLOEXEC)
    defer { close(place) }
    let failures = Mutex<[GibseyError]>([])
    let told = Signal()
    let writer = try LineWriter(FileDescriptor(number: place), named: "events") { error in
      failures.withLock { $0.append(error) }
      told.fire()
    }
    let log = EventLog(lines: writer, now: { Self.time })
    log.note(.request) { $0.with("number", 1) }
    waitUntil { log.droppedCount == 1 && told.hasFired }
    log.note(.request) { $0.with("number", 2) }
    waitUntil { log.droppedCount == 2 }
    // There is room again.
    let room = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(dup2(room, place) == place)
    close(room)
    log.note(.request) { $0.with("number", 3) }
    log.close()
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 1)
    #expect(lines.first?.hasSuffix(#""number":3,"dropped":2}}"#) == true)
    #expect(failures.withLock { $0 } == [.cannotWrite(what: "events", reason: "no space left on device")])
  }

  private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))

  /// A file of a page that takes no byte more, as a disk that is full (memfd_create(2), which is GNU's and not Swift's to see).
  private static func pageOfMemory() throws -> Int32 {
    typealias Create = @convention(c) (UnsafePointer<CChar>, CUnsignedInt) -> CInt
    let (closeOnExec, allowSealing, addSeals, sealGrow): (CUnsignedInt, CUnsignedInt, CInt, CInt) = (1, 2, 1033, 4)
    let create = unsafeBitCast(try #require(dlsym(nil, "memfd_create")), to: Create.self)
    let place = create("events", closeOnExec | allowSealing)
    try #require(ftruncate(place, pageBytes) == 0 && fcntl(place, addSeals, sealGrow) == 0)
    return place
  }

  @Test func aLineThatAFullDiskCutIsWrittenToItsEndWhenThereIsRoom() throws {
    let file = NSTemporaryDirectory() + "events-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let place = try Self.pageOfMemory()
    defer { close(place) }
    let told = Signal()
    let writer = try LineWriter(FileDescriptor(number: place), named: "events") { _ in told.fire() }
    // In one block, however soon the thread comes to it: a line longer than the page.
    writer.write { _ in Array((String(repeating: "a", count: Self.pageBytes + 904) + "\n").utf8) }
    waitUntil { told.hasFired }
    writer.write { dropped in Array("lost \(dropped)\n".utf8) }
    waitUntil { writer.droppedCount == 1 }
    var page = [UInt8](repeating: 0, count: Self.pageBytes)
    #expect(pread(place, &page, page.count, 0) == page.count && page.allSatisfy { $0 == UInt8(ascii: "a") })
    let room = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(dup2(room, place) == place)
    close(room)
    writer.write { dropped in Array("kept \(dropped)\n".utf8) }
    writer.close(limit: .seconds(60))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == String(repeating: "a", count: 904) + "\nkept 1\n")
  }

  @Test func aLineThatIsCutAtTheEndIsFinishedOrCountedAsLost() throws {
    let file = NSTemporaryDirectory() + "events-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    for hasRoom in [true, false] {
      let place = try Self.pageOfMemory()
      defer { close(place) }
      let told = Signal()
      let writer = try LineWriter(FileDescriptor(number: place), named: "events") { _ in told.fire() }
      writer.write { _ in Array((String(repeating: "a", count: Self.pageBytes + 9) + "\n").utf8) }
      waitUntil { told.hasFired }
      if hasRoom {
        let room = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        #expect(dup2(room, place) == place)
        close(room)
      }
      writer.close(limit: .seconds(60))
      #expect(writer.droppedCount == (hasRoom ? 0 : 1))
    }
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "aaaaaaaaa\n")
  }

  @Test(arguments: [
    ("-", EventPlace.descriptor(.standardOutput)), ("fd:5", .descriptor(FileDescriptor(number: 5))),
    ("events.jsonl", .file("events.jsonl")),
  ])
  func aPlaceForEventsIsReadFromItsName(argument: String, place: EventPlace) {
    #expect(EventPlace(argument: argument) == place)
  }

  @Test(arguments: ["", "fd:", "fd:-1", "fd:x"]) func whatIsNoPlaceIsRefused(argument: String) {
    #expect(EventPlace(argument: argument) == nil)
  }

  @Test func aDescriptorThatIsNotOpenIsTold() {
    #expect(throws: GibseyError.cannotCreate(path: "fd:1000000", reason: "not open for writing")) {
      try EventPlace.descriptor(FileDescriptor(number: 1_000_000)).open()
    }
  }
}
