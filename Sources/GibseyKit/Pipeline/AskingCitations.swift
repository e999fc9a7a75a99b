// The citations of an answer, checked while it passes and told at its end.

/// Follows the parts of one answer.
struct AskingCitations {
  private var citations: Citations

  init(_ prompt: Prompt) { citations = Citations(prompt) }

  /// Reads a part before it is handed on: the end has what was cited.
  mutating func follow(_ part: inout Asking.Part) {
    switch part {
    case .batch(let batch): citations.consume(batch.text)
    case .completed(var completion):
      completion.citations = citations.found
      part = .completed(completion)
    case .retrying, .adapted, .counted, .misread, .switched, .failed: break
    }
  }
}
