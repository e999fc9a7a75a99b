// What an indexer changes while the daemon runs: told to whoever may know, and to nobody else.
import Foundation
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct IndexTellingTests {
  /// Writes pages of the story again, with other texts.
  private static func rewrite(_ numbers: [Int], _ server: TestServer, text: String = "Nobody counts.") throws {
    try TestServer.write(
      numbers.map { number in
        var page = Story.pages[number - 1]
        page.text = text
        return page
      }, to: server.folder + "/story.db")
  }

  private static func update(_ id: String, _ change: String) -> String {
    #"{"type":"page_update","data":{"page_id":"\#(id)","page_data":{"change":"\#(change)"},"#
      + #""timestamp":"1970-01-01T00:00:00.000000Z"}}"#
  }

  @Test func whoHasReadSoFarIsToldAndWhoHasNotIsNot() async throws {
    let provider = ScriptedProvider([[.token("x"), .end]])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let telling = try IndexTelling(server.service)
      await telling.look()
      let free = try ReaderClient(server, "free")
      let early = try ReaderClient(server, "early")
      try early.say("page_navigation", "{\"page_index\":3}")
      #expect(try early.hearText().contains("vault_update"))
      // A session that was at page 6 once; a socket of it that says nothing, one that watches, and one that asked from page 2.
      let asked = try ReaderClient(server, "late")
      try asked.ask("What?", page: "p06")
      _ = try asked.hearAnswer()
      let later = try ReaderClient(server, "late")
      let watcher = try ReaderClient(server, "late", query: "?watch=1")
      try asked.ask("And?", page: "p02")
      _ = try asked.hearAnswer()
      _ = try watcher.hearAnswer()

      try Self.rewrite([2, 5, 9], server)
      await telling.look()
      for (reader, ids) in [
        (free, ["p02", "p05", "p09"]), (early, ["p02"]), (later, ["p02", "p05"]), (watcher, ["p02", "p05"]),
        (asked, ["p02"]),
      ] {
        for id in ids { #expect(try reader.hearText() == Self.update(id, "updated")) }
        #expect(try reader.isQuiet())
      }
      // Nothing is told twice.
      await telling.look()
      #expect(try free.isQuiet())
    }
  }

  @Test func aPageThatComesAndOneThatGoesAreTold() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let telling = try IndexTelling(server.service)
      await telling.look()
      let reader = try ReaderClient(server)
      try reader.say("page_navigation", "{\"page_id\":\"p12\"}")
      _ = try reader.hearText()
      let path = server.folder + "/story.db"
      try TestServer.write([Page(id: "extra", pageIndex: 4, text: "A boat.")], to: path)
      await telling.look()
      #expect(try reader.hearText() == Self.update("extra", "added"))
      let writer = try PageStore(path: path, access: .readWrite).writer()
      try writer.begin()
      _ = try writer.removePages(of: "story", except: [12], isDryRun: false)
      try writer.commit()
      await telling.look()
      let gone = (1...3).map { Story.id($0) } + ["extra"] + (4...11).map { Story.id($0) }
      for id in gone { #expect(try reader.hearText() == Self.update(id, "removed")) }
      // The page that a reader is on is gone: then nothing is told, rather than too much.
      try reader.say("page_navigation", "{\"page_id\":\"p12\"}")
      while !(try reader.hearText().contains("vault_update")) {}
      let again = try PageStore(path: path, access: .readWrite).writer()
      try again.begin()
      _ = try again.removePages(of: "story", except: [], isDryRun: false)
      try again.commit()
      await telling.look()
      #expect(try reader.isQuiet())
    }
  }

  @Test func theWholeBookIsToldWhereTheGateIsLifted() async throws {
    var wishes = Story.wishes
    wishes.isWholeBook = true
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let telling = try IndexTelling(server.service)
      await telling.look()
      let reader = try ReaderClient(server)
      try reader.say("page_navigation", "{\"page_index\":1}")
      _ = try reader.hearText()
      try Self.rewrite([9], server)
      await telling.look()
      #expect(try reader.hearText() == Self.update("p09", "updated"))
    }
  }

  @Test func ofALargeChangeTheFirstPagesAreToldAndHowManyMoreThereWere() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let telling = try IndexTelling(server.service)
      await telling.look()
      let reader = try ReaderClient(server)
      try TestServer.write(
        (1...IndexTelling.pageLimit + 5).map { Page(id: "n\($0)", pageIndex: $0, text: "A boat.") },
        to: server.folder + "/story.db")
      await telling.look()
      for number in 1..<IndexTelling.pageLimit { #expect(try reader.hearText() == Self.update("n\(number)", "added")) }
      #expect(try reader.hearText().contains(#""page_data":{"change":"added","left_out":5}"#))
      #expect(try reader.isQuiet())
    }
  }

  @Test func theEventsAndTheCountsTellHowMuchItWas() async throws {
    let pipe = Pipe()
    var wishes = Story.wishes
    wishes.events = EventLog(
      lines: try LineWriter(FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor), named: "events"),
      now: { Timestamp(microseconds: 0) })
    let events = wishes.events
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let telling = try IndexTelling(server.service)
      await telling.look()
      #expect(try server.get("/metrics").body.contains("\ngibsey_index_generation 1\n"))
      try Self.rewrite([2, 5], server)
      await telling.look()
      await telling.look()
      #expect(try server.get("/metrics").body.contains("\ngibsey_index_generation 2\n"))
    }
    events.close()
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    #expect(
      text == #"{"type":"event","data":{"name":"index_changed","timestamp":"1970-01-01T00:00:00.000000Z","pages":12,"#
        + #""added":0,"updated":2,"relabelled":0,"removed":0}}"# + "\n")
  }
}
