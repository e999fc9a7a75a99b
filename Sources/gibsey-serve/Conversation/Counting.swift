// The verbs of a conversation, counted; and answers that are far ahead give way to those that have not begun.
import GibseyKit
import NIOCore

extension Service {
  /// The prompt for a question.
  /// - Throws: as `Conversing.prompt`.
  func prompt(for question: ChatRequest) async throws -> Prompt {
    let start = NIODeadline.now()
    let prompt = try await conversing.prompt(for: question)
    metrics.countContext(seconds: Double((NIODeadline.now() - start).nanoseconds) / 1e9)
    return prompt
  }

  /// Asks, and has `take` take each part.
  /// - Throws: as `Conversing.answer`.
  func converse(
    _ prompt: Prompt, owner: String?, isReaderThere: @escaping @Sendable () -> Bool = { true },
    _ take: (Asking.Part) throws -> Bool, room wait: () async throws -> Void
  ) async throws {
    metrics.beginAnswer()
    defer { metrics.endAnswer() }
    var hasPlenty = false
    /// What of a block waits for others, after its first token.
    var rest: AnswerBatch?
    try await conversing.answer(prompt, owner: owner, isReaderThere: isReaderThere) { part in
      metrics.count(part)
      tell(of: part, prompt)
      guard case .batch(let batch) = part, batch.tokenEnds.count >= Self.plentyTokens else { return try take(part) }
      hasPlenty = true
      guard room.waitingCount > 0 else { return try take(part) || hasPlenty }
      let divided = batch.divided(after: 1)
      rest = divided.rest
      return try take(.batch(divided.first)) || hasPlenty
    } room: {
      try await wait()
      // Whoever has plenty waits for those who have nothing yet: their prompts, then what else the network's thread has to do.
      guard hasPlenty else { return }
      hasPlenty = false
      await room.letOthersGoFirst()
      await conversing.letOthersGoFirst()
      guard let late = rest else { return }
      rest = nil
      if try take(.batch(late)) { try await wait() }
    }
  }

  /// What of an answer could not be read: it goes on without, and nobody must take it for whole in silence.
  private func tell(of part: Asking.Part, _ prompt: Prompt) {
    guard case .batch(let batch) = part, !batch.notices.isEmpty else { return }
    for notice in batch.notices { parts.diagnostics.warning("\(notice) (prompt \(prompt.promptID))") }
  }

  /// So many tokens come in one block of the network only when the provider is far ahead of any reader.
  private static let plentyTokens = 32
}
