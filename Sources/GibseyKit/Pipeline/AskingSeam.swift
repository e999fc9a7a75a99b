// Where one provider broke off and the next goes on.

/// Takes the repetition out of the start of a continuation: an exact overlap with the end of what came before, of up to
/// 200 characters. What may still turn out to be one is held back. A value.
struct AskingSeam: Sendable {
  static let limitCharacters = 200
  /// An overlap that begins inside a word is a coincidence below this length, in bytes.
  private static let coincidenceBytes = 8

  /// The end of the partial answer, UTF-8.
  private let tail: [UInt8]
  /// Where an overlap may begin in `tail`, longest overlap first.
  private var starts: [Int]
  private var held: [UInt8] = []
  private var isOpen = true

  init(after partial: [UInt8]) {
    let end = String(decoding: partial, as: UTF8.self).suffix(Self.limitCharacters)
    tail = Array(end.utf8)
    var starts: [Int] = []
    var offset = 0
    var isInWord = false
    for character in end {
      let isShortOverlap = tail.count - offset < Self.coincidenceBytes
      if !(isInWord && isShortOverlap && (character.isLetter || character.isNumber)) { starts.append(offset) }
      offset += character.utf8.count
      isInWord = character.isLetter || character.isNumber
    }
    self.starts = starts
  }

  /// The tokens of a batch that are new; thoughts and notices stay.
  mutating func trim(_ batch: AnswerBatch) -> AnswerBatch {
    guard isOpen else { return batch }
    var trimmed = AnswerBatch()
    trimmed.reasoning = batch.reasoning
    trimmed.notices = batch.notices
    trimmed.remarks = batch.remarks
    for token in batch.tokens {
      guard isOpen else {
        trimmed.token { $0 += token.utf8 }
        continue
      }
      held += token.utf8
      // As long as all that came stands at one of the places and there is more to compare, the end of it is open.
      if !starts.contains(where: { tail.count - $0 > held.count && tail[$0...].starts(with: held) }) {
        close(&trimmed)
      }
    }
    return trimmed
  }

  /// The end of the continuation: what was held back.
  mutating func finish() -> AnswerBatch {
    var rest = AnswerBatch()
    if isOpen { close(&rest) }
    return rest
  }

  private mutating func close(_ batch: inout AnswerBatch) {
    isOpen = false
    let text = held
    held = []
    let start = starts.first { text.starts(with: tail[$0...]) } ?? tail.count
    batch.token { $0 += text[(tail.count - start)...] }
  }
}

extension Prompt {
  /// The prompt that asks to go on after `partial`. In words: no vendor takes the beginning of an answer any more.
  func continuing(after partial: [UInt8]) -> Prompt {
    var prompt = self
    prompt.messages += [
      Message(role: .assistant, content: String(decoding: partial, as: UTF8.self)),
      Message(
        role: .user,
        content:
          "Your answer was cut off where it ends above. Go on from exactly there, in the same voice, with the very "
          + "next word. Repeat nothing of it, and say nothing about the interruption."),
    ]
    return prompt
  }
}
