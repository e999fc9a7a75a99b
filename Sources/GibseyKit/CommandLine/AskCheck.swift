// gibsey-ask about the providers themselves: how they are, what they offer.
public import ArgumentParser

/// The flags that ask about providers in place of asking them.
public struct ProbeOptions: ParsableArguments {
  @Flag(help: "Tell of each provider whether it could answer, without asking for an answer.") public var check = false
  @Flag(help: "List the models that each provider offers.") public var models = false

  public init() {}

  /// What is wrong beside a choice of provider, and flags that would be passed over in silence.
  public func validate(beside provider: ProviderChoice?, _ answers: AnswerOptions, _ keeping: KeepingOptions) throws {
    if check, models { throw ValidationError("--check and --models exclude each other") }
    guard check || models else { return }
    if provider?.replayPath != nil { throw ValidationError("a recording has no provider to ask") }
    let others = answers.given + (keeping.session == nil ? [] : ["--session"])
    if let other = others.first { throw ValidationError("\(other) does not go with \(check ? "--check" : "--models")") }
  }
}

extension ProbeOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) {
    check = arguments.flag("--check")
    models = arguments.flag("--models")
  }
}

extension AskRun {
  /// Writes how each provider is. The status is that of asking: 0 when one could answer.
  /// - Throws: `GibseyError`.
  public func check() async throws -> ExitStatus {
    try await attended { [self] in
      let found = try await Checking(asking).statuses()
      for (status, _) in found {
        if options.isJSON { try context.write(.providerStatus(status)) } else { try say(status.words) }
      }
      return found.contains { $0.status.isReady } ? .done : GibseyError.chainStatus(found.compactMap(\.failure))
    }
  }

  /// Writes the models that each provider offers; the one that would be asked is marked.
  /// - Throws: `GibseyError`.
  public func listModels() async throws -> ExitStatus {
    try await attended { [self] in
      var failures: [GibseyError] = []
      var hasList = false
      for (_, models) in try await Checking(asking).models() {
        switch models {
        case .failure(let error):
          failures.append(error)
          context.diagnostics.warning(error.message)
        case .success(let models):
          hasList = true
          for model in models {
            if options.isJSON {
              try context.write(.providerModel(model))
            } else {
              try say("\(model.provider) \(model.model)\(model.isChosen ? " *" : "")")
            }
          }
        }
      }
      return hasList ? .done : GibseyError.chainStatus(failures)
    }
  }

  private func say(_ words: String) throws { try context.output.write(Array((Diagnostics.oneLine(words) + "\n").utf8)) }
}

extension ProviderStatus {
  /// As in "ollama: ready: llama3:8b at localhost:11434, version 0.33.0, 8192 tokens of context, 12 ms".
  fileprivate var words: String {
    guard isReady else {
      let state = isConfigured ? "not ready" : "not configured"
      var reason = message ?? ""
      if reason.hasPrefix(provider + ": ") { reason.removeFirst(provider.count + 2) }
      return "\(provider): \(state): \(reason)\(hint.map { " (\($0))" } ?? "")"
    }
    var words = "\(provider): ready: \(model ?? "") at \(address ?? "")"
    if let version { words += ", version \(version)" }
    if let contextTokens { words += ", \(contextTokens) tokens of context" }
    if key == .unchecked { words += ", it did not look at the key" }
    if hasModel == nil { words += ", it does not tell whether it has the model" }
    return words + ", \(durationMilliseconds ?? 0) ms"
  }
}
