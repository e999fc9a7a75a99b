// A pipe whose reader leaves.
import Glibc
import Testing

@testable import GibseyKit

@Suite struct ReaderWatchTests {
  @Test func `the end of a pipe's reader is told while nothing is written`() async throws {
    let (readEnd, writeEnd) = try #require(SystemCall.pipe())
    let (told, continuation) = AsyncStream.makeStream(of: Void.self)
    let watch = ReaderWatch(FileDescriptor(number: writeEnd)) { continuation.finish() }
    #expect(watch != nil)
    close(readEnd)
    for await _ in told {}
    withExtendedLifetime(watch) {}
    close(writeEnd)
  }

  @Test func `a file has no reader that could leave`() throws {
    let file = open("/dev/null", O_WRONLY)
    #expect(ReaderWatch(FileDescriptor(number: file)) { Issue.record("nobody left") } == nil)
    close(file)
  }
}
