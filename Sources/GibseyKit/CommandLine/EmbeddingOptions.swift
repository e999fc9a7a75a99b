// Who turns texts into vectors: the flags, the settings, and the choice.
public import ArgumentParser
internal import Glibc

/// Who turns texts into vectors.
public enum EmbedderChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  /// Whoever made the vectors that the database has; else the embedded model, when it is there.
  case auto
  /// Nobody: pages are found by keywords alone.
  case none
  /// Whoever wrote the pages: they come with their vectors.
  case given
  /// The embedded model, all-MiniLM-L6-v2.
  case minilm
  /// A server: Ollama, or OpenAI and whatever speaks like it.
  case ollama, openai

  /// Who serves it, where it is a server.
  var service: RemoteEmbedder.Service? { RemoteEmbedder.Service(rawValue: rawValue) }
  /// Whether it can embed pages that are in the database already.
  public var embedsByItself: Bool { self == .minilm || service != nil }
}

/// The flags about vectors.
public struct EmbeddingOptions: ParsableArguments {
  @Option(help: "What turns pages into vectors: auto, none, given, minilm, ollama or openai; else GIBSEY_EMBEDDER.")
  public var embedder: EmbedderChoice?
  @Option(help: "The model that a server embeds with, or that the given vectors are of; else GIBSEY_EMBEDDING_MODEL.")
  public var embeddingModel: String?
  @Option(parsing: .unconditional, help: "How many texts are embedded at once; all cores by default.")
  public var jobs: Int?

  public init() {}

  public func validate() throws {
    if embeddingModel?.isEmpty == true { throw ValidationError("--embedding-model is empty") }
    if let jobs, jobs < 1 { throw ValidationError("--jobs is at least 1") }
  }
}

/// The vectors that come with the pages.
enum GivenVectors {
  private static let name = "given"

  /// What their model is called: `given`, or `given:NAME`.
  static func model(named name: String?) -> String { name.map { "\(Self.name):\($0)" } ?? Self.name }

  /// Whether an embedder of this fingerprint is whoever wrote the pages.
  static func made(_ embedder: EmbedderRow) -> Bool {
    let model = EmbeddingFingerprint.model(of: embedder.fingerprint)
    return model == name || model.hasPrefix(name + ":")
  }
}

extension ToolContext {
  /// The file of the embedded model.
  var embeddedModelPath: String { settings.string(.model) ?? Self.defaultModelPath }

  /// Where `make model` puts it. An XDG_DATA_HOME that is no absolute path counts as none.
  private static var defaultModelPath: String {
    let variable = { (name: String) in getenv(name).map { String(cString: $0) } ?? "" }
    let configured = variable("XDG_DATA_HOME")
    let folder = configured.hasPrefix("/") ? configured : variable("HOME") + "/.local/share"
    return folder + "/gibsey/all-minilm-l6-v2.gibsey"
  }

  /// Who is meant by `auto`: whoever made the vectors that are there, or the embedded model where it can be had.
  func resolved(_ choice: EmbedderChoice, active: EmbedderRow?) -> EmbedderChoice {
    guard choice == .auto else { return choice }
    if let active {
      if let service = active.remote?.service { return EmbedderChoice(rawValue: service.rawValue) ?? .none }
      return GivenVectors.made(active) ? .given : .minilm
    }
    return access(embeddedModelPath, F_OK) == 0 ? .minilm : .none
  }

  /// The embedded model, when the vectors of an embedder are of it and its file is there; else nil.
  func embeddedModel(of embedder: EmbedderRow) throws -> EmbeddedModel? {
    guard embedder.remote == nil, !GivenVectors.made(embedder), access(embeddedModelPath, F_OK) == 0 else { return nil }
    let model = try EmbeddedModel(path: embeddedModelPath, threads: 1)
    return model.fingerprint.description == embedder.fingerprint ? model : nil
  }

  /// The choice that the settings make.
  /// - Throws: `GibseyError.badSetting` for a name of nobody.
  func embedderChoice(_ flag: EmbedderChoice?) throws -> EmbedderChoice {
    if let flag { return flag }
    guard let setting = settings[.embedder] else { return .auto }
    guard let choice = EmbedderChoice(rawValue: setting.value) else {
      throw setting.wrong(EmbedderChoice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }
}

/// Turns questions into vectors that can be compared with a database's.
public final class QuestionEmbedder {
  private let context: ToolContext
  private let path: String
  private let active: EmbedderRow?
  private var model: EmbeddedModel?
  private var server: RemoteEmbedder?
  /// The question whose vector was made last: turns and explanations want it again.
  private var served: (question: String, vector: [Float])?
  private var isMissing = false
  /// The question whose vector is being made ahead, and what comes of it.
  private var ahead: (question: String, vector: Pending<[Float]>)?
  private let isRequired: Bool

  /// - Parameters:
  ///   - active: the embedder whose vectors the database at `path` has.
  ///   - isRequired: whether a question without a vector is a failure: nothing is found without it.
  public init(context: ToolContext, path: String, active: EmbedderRow?, isRequired: Bool = false) {
    self.context = context
    self.path = path
    self.active = active
    self.isRequired = isRequired
  }

  /// Begins to make the vector of a question that will be asked for, on a thread of its own; where there is none, it is made
  /// when it is asked for.
  public func begin(_ question: String) throws {
    guard let model = try embeddedModel() else { return }
    let vector = try? Pending {
      // The words of pages are compared meanwhile, on another thread: it finds their rows mapped.
      model.bringWordsNear()
      return try model.embedQuery(question).components
    }
    ahead = vector.map { (question, $0) }
  }

  /// Whether the vector of a question was begun.
  func isMaking(_ question: String) -> Bool { ahead?.question == question }

  /// Whether the database's vectors are the embedded model's.
  private var isOfModel: Bool { active.map { $0.remote == nil && !GivenVectors.made($0) } ?? false }

  /// The vector; nil where there is nothing to compare it with, or nothing to make it with, which is said once.
  /// - Throws: `GibseyError.embedderDiffers` when the database's are of another model; what opening the model throws;
  ///   if a vector is required, what asking a server throws, `.noEmbeddingModel` and `.questionWithoutVector`.
  public func vector(of question: String) throws -> [Float]? {
    if let active, active.remote != nil { return try served(question, by: active) }
    if let active, GivenVectors.made(active) {
      let error = GibseyError.questionWithoutVector(embedder: active.fingerprint)
      if isRequired { throw error }
      goByWords(for: error)
      return nil
    }
    let model = try embeddedModel()
    if model != nil, let ahead, ahead.question == question { return try ahead.vector.value() }
    if let served, served.question == question { return served.vector }
    guard let vector = try model?.embedQuery(question).components else { return nil }
    served = (question, vector)
    return vector
  }

  /// What words mean by themselves; nil as above.
  public func words() throws -> (any WordVectors)? { try embeddedModel() }

  private func served(_ question: String, by active: EmbedderRow) throws -> [Float]? {
    guard !isMissing else { return nil }
    if let served, served.question == question { return served.vector }
    do {
      let server = try self.server ?? context.remoteEmbedder(of: active, isPatient: false)
      self.server = server
      let vector = try Blocking.run { try await server.embed([question]) }[0].whole.components
      served = (question, vector)
      return vector
    } catch let error as GibseyError {
      if isRequired { throw error }
      isMissing = true
      context.diagnostics.warning("\(error.message): pages are found by keywords alone")
      if let hint = error.hint { context.diagnostics.notice("hint: " + hint) }
      return nil
    }
  }

  private func embeddedModel() throws -> EmbeddedModel? {
    guard let active, isOfModel, !isMissing else { return nil }
    if let model { return model }
    do {
      let model = try EmbeddedModel(path: context.embeddedModelPath, threads: 1)
      guard model.fingerprint.description == active.fingerprint else {
        throw GibseyError.embedderDiffers(
          path: path, active: active.fingerprint, asked: EmbedderChoice.minilm.rawValue,
          askedFingerprint: model.fingerprint.description)
      }
      self.model = model
      return model
    } catch let error as GibseyError {
      guard !isRequired else { throw error }
      switch error {
      // What cannot be used is as good as not there; one that could be, and is not that of the pages, is a choice to be made.
      case .noEmbeddingModel, .badEmbeddingModel, .otherEmbeddingModel: goByWords(for: error)
      default: throw error
      }
      return nil
    }
  }

  /// Says, once, that questions have no vectors, and why.
  private func goByWords(for error: GibseyError) {
    guard !isMissing else { return }
    isMissing = true
    context.diagnostics.notice("\(error.message): pages are found by keywords alone")
    if let hint = error.hint { context.diagnostics.notice("hint: " + hint) }
  }
}
