// The citations of an answer, checked while it passes and told at its end.

/// Follows the parts of one answer.
struct AskingCitations {
  private var citations: Citations

  init(_ prompt: Prompt) { citations = Citations(prompt) }

  /// The part as it is handed on: the end has what was cited.
  mutating func following(_ part: Asking.Part) -> Asking.Part {
    switch part {
    case .batch(let batch): citations.consume(batch.text)
    case .completed(var completion):
      completion.citations = citations.found
      return .completed(completion)
    case .retrying, .adapted, .counted, .misread, .switched, .failed: break
    }
    return part
  }
}
