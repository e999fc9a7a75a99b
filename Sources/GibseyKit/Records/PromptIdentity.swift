// The id of a prompt, found out when somebody wants it.

/// What the id of a prompt is found of: the messages that it was made with. Who first asks finds it out, a sixteenth of what the whole
/// prompt takes: whoever keeps the answer, so that no first token waits for it (docs/design/0022-what-a-prompt-costs.md).
struct PromptIdentity: Sendable, Equatable {
  private let messages: [Message]
  private let found = FoundOnce<String>()

  init(of messages: [Message]) { self.messages = messages }

  /// SHA-256, in hexadecimal.
  var text: String { found.value { Prompt.identifier(of: messages) } }

  static func == (one: PromptIdentity, other: PromptIdentity) -> Bool { one.text == other.text }
}
