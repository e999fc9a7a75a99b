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
}

/// The flags about vectors.
public struct EmbeddingOptions: ParsableArguments {
  @Option(help: "What turns pages into vectors: auto, none, given or minilm; else GIBSEY_EMBEDDER.")
  public var embedder: EmbedderChoice?
  @Option(parsing: .unconditional, help: "How many texts are embedded at once; all cores by default.")
  public var jobs: Int?

  public init() {}

  public func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs is at least 1") }
  }
}

/// The model that vectors given with the pages are said to be of.
let givenModel = "given"

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
    if let active { return active.fingerprint.hasPrefix(givenModel + " ") ? .given : .minilm }
    return access(embeddedModelPath, F_OK) == 0 ? .minilm : .none
  }

  /// The choice that the settings make.
  /// - Throws: `GibseyError.badSetting` for a name of nobody.
  func embedderChoice(_ flag: EmbedderChoice?) throws -> EmbedderChoice {
    if let flag { return flag }
    guard let setting = settings[.embedder] else { return .auto }
    guard let choice = EmbedderChoice(rawValue: setting.value) else {
      throw GibseyError.badSetting(
        name: setting.name.rawValue, value: setting.value, origin: setting.origin.text,
        wanted: EmbedderChoice.allCases.map(\.rawValue).joined(separator: ", "))
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
  private var isMissing = false
  /// The question whose vector is being made ahead, and what comes of it.
  private var ahead: (question: String, vector: Pending<[Float]>)?

  /// - Parameter active: the embedder whose vectors the database at `path` has.
  public init(context: ToolContext, path: String, active: EmbedderRow?) {
    self.context = context
    self.path = path
    self.active = active
  }

  /// Begins to make the vector of a question that will be asked for, on a thread of its own.
  public func begin(_ question: String) throws {
    guard let model = try embeddedModel() else { return }
    ahead = (question, try Pending { try model.embedQuery(question).components })
  }

  /// Whether the database's vectors are the embedded model's.
  private var isOfModel: Bool { active.map { !$0.fingerprint.hasPrefix(givenModel + " ") } ?? false }

  /// The vector; nil where there is nothing to compare it with, or nothing to make it with, which is said once.
  /// - Throws: `GibseyError.embedderDiffers` when the database's are of another model; what opening the model throws.
  public func vector(of question: String) throws -> [Float]? {
    let model = try embeddedModel()
    if model != nil, let ahead, ahead.question == question { return try ahead.vector.value() }
    return try model?.embedQuery(question).components
  }

  /// What words mean by themselves; nil as above.
  public func words() throws -> (any WordVectors)? { try embeddedModel() }

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
      guard case .noEmbeddingModel = error else { throw error }
      isMissing = true
      context.diagnostics.notice("\(error.message): pages are found by keywords alone")
      if let hint = error.hint { context.diagnostics.notice("hint: " + hint) }
      return nil
    }
  }
}
