// Another file takes the place of the database while the daemon runs: neither is read or damaged by the log of the other.
import Foundation
import Glibc
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct ReplacedDatabaseTests {
  private static let shortAnswers = (1...4).map { _ in [ScriptedProvider.Step.token("A lantern."), .end] }

  private static func with(_ body: @escaping @Sendable (TestServer, IndexTelling) async throws -> Void) async throws {
    let wishes = TestServer.Wishes(transport: ScriptedProvider(shortAnswers))
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let telling = try IndexTelling(server.service)
      // What it knows the file by.
      await telling.look()
      try await body(server, telling)
    }
  }

  private static func ask(_ question: String, _ server: TestServer) async throws {
    let reader = try ReaderClient(server)
    try reader.ask(question)
    #expect(try reader.hearAnswer().tokens == ["A lantern."])
    #expect(await server.service.conversing.settle(atMost: .seconds(60)) == 0)
  }

  /// The pages that each of the daemon's readers finds, and the texts of the third of them.
  private static func pages(_ server: TestServer) async throws -> (counts: [Int], texts: Set<String?>) {
    // Each waits for the other: so they are on two threads.
    let both = DispatchGroup()
    for _ in 1...2 { both.enter() }
    let read: @Sendable (Reading) throws -> (Int, String?) = { reading in
      both.leave()
      // One that cannot be opened never comes.
      guard both.wait(timeout: .now() + 60) == .success else { throw RawClient.Failure(what: "one reader alone") }
      return (try reading.browsing.counts().pages, try reading.store.page(id: "003")?.text)
    }
    async let one = server.service.room.read(read)
    async let other = server.service.room.read(read)
    let found = try await [one, other]
    return (found.map(\.0), Set(found.map(\.1)))
  }

  private static func questions(_ server: TestServer) throws -> [String] {
    try server.get("/api/v1/sessions/s1").strings("turns", "question")
  }

  /// A session and other pages in the log of the database, and in nothing else of it.
  private static func writeIntoLog(_ server: TestServer, _ id: String) throws {
    try server.conversations().touch(try #require(SessionID(id)), at: Timestamp(microseconds: 0))
    let pages = TestServer.pages(12).map { page in
      var page = page
      page.text = "Only the log has this."
      return page
    }
    try TestServer.write(pages, to: server.folder + "/story.db")
    #expect(bytes(server.folder + "/story.db-wal") > 0)
  }

  private static let usual = Set([TestServer.pages(3)[2].text])

  private static func bytes(_ path: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
  }

  /// The sessions of a file that stands alone, without any log; the file must be sound.
  private static func sessions(ofFileAlone path: String) throws -> [String] {
    let alone = path + "-alone-\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: path, toPath: alone)
    #expect(try PageStore(path: alone, access: .readOnly).check() == [])
    return try ConversationStore(path: alone, access: .readOnly).sessions().map(\.id.text).sorted()
  }

  /// The file that is back is read with its log, `s9` in it, and the conversation goes on in it.
  private static func expectAllToGoOn(_ server: TestServer) async throws {
    #expect(try await pages(server).texts == ["Only the log has this."])
    try await ask("Second?", server)
    #expect(try questions(server) == ["First?", "Second?"])
    #expect(try sessions(ofFileAlone: server.folder + "/story.db") == ["s1", "s9"])
  }

  @Test func aFileThatIsMovedInTakesOverAndTheOneBeforeKeepsWhatWasSaid() async throws {
    try await Self.with { server, telling in
      let (place, old) = (server.folder + "/story.db", server.folder + "/old.db")
      try await Self.ask("First?", server)
      try Self.writeIntoLog(server, "s9")
      try TestServer.write(TestServer.pages(5), to: server.folder + "/new.db")
      #expect(rename(place, old) == 0)
      #expect(rename(server.folder + "/new.db", place) == 0)
      let pages = try await Self.pages(server)
      #expect(pages.counts == [5, 5])
      #expect(pages.texts == Self.usual)
      try await Self.ask("Second?", server)
      #expect(try Self.questions(server) == ["Second?"])
      #expect(try Self.sessions(ofFileAlone: old) == ["s1", "s9"])
      #expect(try Self.sessions(ofFileAlone: place) == ["s1"])
    }
  }

  @Test func theOneBeforeMayComeBack() async throws {
    try await Self.with { server, telling in
      let (place, old, new) = (server.folder + "/story.db", server.folder + "/old.db", server.folder + "/new.db")
      try await Self.ask("First?", server)
      #expect(try await Self.pages(server).counts == [12, 12])
      try TestServer.write(TestServer.pages(5), to: new)
      #expect(rename(place, old) == 0)
      #expect(rename(new, place) == 0)
      await telling.letGo()
      try await Self.ask("Second?", server)
      try Self.writeIntoLog(server, "s8")
      #expect(rename(place, new) == 0)
      #expect(rename(old, place) == 0)
      await telling.letGo()
      try await Self.ask("Third?", server)
      let pages = try await Self.pages(server)
      #expect(pages.counts == [12, 12])
      #expect(pages.texts == Self.usual)
      #expect(try Self.questions(server) == ["First?", "Third?"])
      #expect(try Self.sessions(ofFileAlone: place) == ["s1"])
      #expect(try Self.sessions(ofFileAlone: new) == ["s1", "s8"])
      // And all have one log.
      try Self.writeIntoLog(server, "s7")
      #expect(try await Self.pages(server).texts == ["Only the log has this."])
    }
  }

  @Test func whatOthersWroteIntoTheLogIsFoldedAsWell() async throws {
    try await Self.with { server, telling in
      let (place, second) = (server.folder + "/story.db", server.folder + "/second.db")
      for name in ["new", "newer"] { try TestServer.write(TestServer.pages(5), to: server.folder + "/\(name).db") }
      #expect(rename(server.folder + "/new.db", place) == 0)
      await telling.letGo()
      // Nobody has said anything to the daemon yet.
      try Self.writeIntoLog(server, "s8")
      #expect(rename(place, second) == 0)
      #expect(rename(server.folder + "/newer.db", place) == 0)
      await telling.letGo()
      #expect(try Self.sessions(ofFileAlone: second) == ["s8"])
      #expect(try Self.sessions(ofFileAlone: place) == [])
    }
  }

  @Test func aReaderInTheWayKeepsNothingFromBeingFoldedLater() async throws {
    try await Self.with { server, telling in
      let (place, old) = (server.folder + "/story.db", server.folder + "/old.db")
      do {
        let reader = try PageStore(path: place, access: .readOnly)
        try reader.connection.execute("BEGIN")
        #expect(try reader.page(id: "003") != nil)
        try Self.writeIntoLog(server, "s9")
        try TestServer.write(TestServer.pages(5), to: server.folder + "/new.db")
        #expect(rename(place, old) == 0)
        #expect(rename(server.folder + "/new.db", place) == 0)
        await telling.letGo()
        #expect(try Self.sessions(ofFileAlone: old) == [])
        try reader.connection.execute("COMMIT")
      }
      await telling.letGo()
      #expect(try Self.sessions(ofFileAlone: old) == ["s9"])
      try await Self.ask("Second?", server)
      #expect(try Self.sessions(ofFileAlone: place) == ["s1"])
    }
  }

  @Test func aLinkThatIsTurnedLeavesTheBookOfBeforeItsLog() throws {
    let folder = NSTemporaryDirectory() + "linked-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (first, link) = (folder + "/first.db", folder + "/story.db")
    for name in ["first", "second"] { try TestServer.write(TestServer.pages(3), to: folder + "/\(name).db") }
    #expect(symlink("first.db", link) == 0)
    // Somebody else is at work on the same book by its own name.
    let other = try ConversationStore(path: first, access: .readWrite)
    var store: ConversationStore? = try ConversationStore(path: link, access: .readWrite)
    try store?.touch(try #require(SessionID("s9")), at: Timestamp(microseconds: 0))
    #expect(unlink(link) == 0)
    #expect(symlink("second.db", link) == 0)
    #expect(store?.standing == .another)
    store = nil
    #expect(Self.bytes(first + "-wal") > 0)
    #expect(other.standing == .same)
    #expect(try other.sessions().map(\.id.text) == ["s9"])
  }

  /// It was moved away and is back before anybody looked, or after a look that found nothing there.
  @Test(arguments: [false, true]) func aFileThatIsMissingForAWhileKeepsItsLog(isLookedFor: Bool) async throws {
    try await Self.with { server, telling in
      let (place, old) = (server.folder + "/story.db", server.folder + "/old.db")
      try await Self.ask("First?", server)
      try Self.writeIntoLog(server, "s9")
      #expect(rename(place, old) == 0)
      if isLookedFor {
        await telling.letGo()
        await telling.look()
        #expect(try server.get("/api/v1/stats").status == 500)
      }
      #expect(rename(old, place) == 0)
      #expect(Self.bytes(place + "-wal") > 0)
      try await Self.expectAllToGoOn(server)
    }
  }

  /// What has its place for a moment is no database: nobody turns to it, and nothing of the old one is lost.
  @Test func theOneBeforeMayComeBackAfterOneThatCannotBeOpened() async throws {
    try await Self.with { server, telling in
      let (place, old) = (server.folder + "/story.db", server.folder + "/old.db")
      try await Self.ask("First?", server)
      #expect(try await Self.pages(server).counts == [12, 12])
      try Self.writeIntoLog(server, "s9")
      #expect(rename(place, old) == 0)
      #expect(FileManager.default.createFile(atPath: place, contents: Data("no database at all, but words".utf8)))
      #expect(try server.get("/api/v1/stats").status == 500)
      #expect(rename(old, place) == 0)
      // Until all have let the log go that has lost its name, nobody may have another one.
      await telling.letGo()
      try await Self.expectAllToGoOn(server)
    }
  }

  /// Another one has had its place between two looks, and somebody has read it.
  @Test func theOneBeforeMayComeBackBetweenTwoLooks() async throws {
    try await Self.with { server, telling in
      let (place, old, new) = (server.folder + "/story.db", server.folder + "/old.db", server.folder + "/new.db")
      try await Self.ask("First?", server)
      #expect(try await Self.pages(server).counts == [12, 12])
      try Self.writeIntoLog(server, "s9")
      try TestServer.write(TestServer.pages(5), to: new)
      #expect(rename(place, old) == 0)
      #expect(rename(new, place) == 0)
      #expect(try server.get("/api/v1/stats").member("pages")?.integerValue == 5)
      #expect(rename(place, new) == 0)
      #expect(rename(old, place) == 0)
      await telling.letGo()
      try await Self.expectAllToGoOn(server)
      #expect(try Self.sessions(ofFileAlone: new) == [])
    }
  }

  @Test func aFileThatIsMadeWhereOneWasFindsNothingOfIt() async throws {
    try await Self.with { server, telling in
      let place = server.folder + "/story.db"
      try await Self.ask("First?", server)
      try Self.writeIntoLog(server, "s9")
      #expect(unlink(place) == 0)
      try TestServer.write(TestServer.pages(3), to: place)
      await telling.letGo()
      let pages = try await Self.pages(server)
      #expect(pages.counts == [3, 3])
      #expect(pages.texts == Self.usual)
      try await Self.ask("Second?", server)
      #expect(try Self.questions(server) == ["Second?"])
      #expect(try Self.sessions(ofFileAlone: place) == ["s1"])
    }
  }

  /// It may be one that is still being copied.
  @Test func turnsAreNotWrittenIntoAnEmptyFile() throws {
    let path = NSTemporaryDirectory() + "empty-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(FileManager.default.createFile(atPath: path, contents: Data()))
    #expect(throws: GibseyError.emptyDatabase(path: path)) { try ConversationStore(path: path, access: .readWrite) }
    #expect(Self.bytes(path) == 0)
  }

  @Test func aLogThatACrashLeftIsRead() throws {
    let folder = NSTemporaryDirectory() + "crashed-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (living, crashed) = (folder + "/living.db", folder + "/crashed.db")
    try TestServer.write(TestServer.pages(3), to: living)
    let store = try ConversationStore(path: living, access: .readWrite)
    try store.touch(try #require(SessionID("s9")), at: Timestamp(microseconds: 0))
    for end in ["", "-wal"] { try FileManager.default.copyItem(atPath: living + end, toPath: crashed + end) }
    #expect(try ConversationStore(path: crashed, access: .readWrite).sessions().map(\.id.text) == ["s9"])
  }

  @Test func aDaemonThatStartsTakesUpWhatACrashHasLeftOfAnswers() async throws {
    try await withTaskExecutorPreference(BlockingExecutor()) {
      let session = try #require(SessionID("s9"))
      let daemon = try DaemonProcess { path in
        let store = try ConversationStore(path: path, access: .readWrite)
        let turn = TurnToKeep(sessionID: session, parent: .newest, characterID: nil, question: "Who?", promptID: "p")
        try store.keep([(try store.begin(turn, at: Timestamp(microseconds: 0)), "The lanternkeeper and")])
      }
      let store = try ConversationStore(path: daemon.folder + "/story.db", access: .readOnly)
      waitUntil { (try? store.find("lanternkeeper", limit: 9).isEmpty) == false }
      #expect(try store.find("lanternkeeper", limit: 9).map(\.answer) == ["The lanternkeeper and"])
      daemon.send(SIGTERM)
      #expect(await daemon.ending() == .exit(0))
    }
  }

  @Test func aDaemonThatEndsLeavesNothingInTheLog() async throws {
    try await withTaskExecutorPreference(BlockingExecutor()) {
      let daemon = try DaemonProcess()
      let reader = try ReaderClient(port: daemon.port)
      try reader.say("page_navigation", "{\"page_index\":2}")
      #expect(try reader.hearText().contains("vault_update"))
      // It may have been told before it was written, where others hold the processor.
      waitUntil { Self.bytes(daemon.folder + "/story.db-wal") > 0 }
      daemon.send(SIGTERM)
      #expect(await daemon.ending() == .exit(0))
      #expect(Self.bytes(daemon.folder + "/story.db-wal") == 0)
      #expect(try Self.sessions(ofFileAlone: daemon.folder + "/story.db") == ["s1"])
    }
  }
}
