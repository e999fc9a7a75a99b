// The names of all settings, each with its default and what it is for.

/// A setting's name, as it stands in the environment and in `./.env`.
public enum SettingName: String, Sendable, CaseIterable {
  case database = "GIBSEY_DATABASE"
  case budget = "GIBSEY_BUDGET"
  case knowledge = "GIBSEY_KNOWLEDGE"
  case tokenFactor = "GIBSEY_TOKEN_FACTOR"
  case embedder = "GIBSEY_EMBEDDER"
  case embeddingModel = "GIBSEY_EMBEDDING_MODEL"
  case embeddingPrice = "GIBSEY_EMBEDDING_PRICE"
  case prices = "GIBSEY_PRICES"
  case model = "GIBSEY_MODEL"
  case characters = "GIBSEY_CHARACTERS"
  case log = "GIBSEY_LOG"
  case tokenFile = "GIBSEY_TOKEN_FILE"
  case connectTimeout = "GIBSEY_CONNECT_TIMEOUT"
  case firstTokenTimeout = "GIBSEY_FIRST_TOKEN_TIMEOUT"
  case stallTimeout = "GIBSEY_STALL_TIMEOUT"
  case totalTimeout = "GIBSEY_TOTAL_TIMEOUT"
  case retryWait = "GIBSEY_RETRY_WAIT"
  case fallback = "GIBSEY_FALLBACK"
  case resumeWith = "GIBSEY_RESUME_WITH"
  case allowLinkLocal = "GIBSEY_ALLOW_LINK_LOCAL"
  case ollamaBaseURL = "OLLAMA_BASE_URL"
  case ollamaModel = "OLLAMA_MODEL"
  case ollamaTemperature = "OLLAMA_TEMPERATURE"
  case ollamaMaxTokens = "OLLAMA_MAX_TOKENS"
  case openAIBaseURL = "OPENAI_BASE_URL"
  case openAIKey = "OPENAI_API_KEY"
  case openAIKeyFile = "OPENAI_API_KEY_FILE"
  case openAIKeyCommand = "OPENAI_API_KEY_CMD"
  case openAIModel = "OPENAI_MODEL"
  case openAITemperature = "OPENAI_TEMPERATURE"
  case openAIMaxTokens = "OPENAI_MAX_TOKENS"
  case anthropicBaseURL = "ANTHROPIC_BASE_URL"
  case anthropicKey = "ANTHROPIC_API_KEY"
  case anthropicKeyFile = "ANTHROPIC_API_KEY_FILE"
  case anthropicKeyCommand = "ANTHROPIC_API_KEY_CMD"
  case claudeModel = "CLAUDE_MODEL"
  case claudeTemperature = "CLAUDE_TEMPERATURE"
  case claudeMaxTokens = "CLAUDE_MAX_TOKENS"

  case caBundle = "CURL_CA_BUNDLE"
  case certificateFile = "SSL_CERT_FILE"
  case certificateFolder = "SSL_CERT_DIR"

  /// What holds when nobody sets it; nil is nothing.
  public var defaultValue: String? {
    switch self {
    case .budget: "6000"
    case .tokenFactor: "1"
    case .knowledge: "reader"
    case .connectTimeout: "5"
    case .firstTokenTimeout: "120"
    case .stallTimeout: "60"
    case .retryWait: "5"
    case .resumeWith: "stop"
    case .ollamaBaseURL: "http://localhost:11434"
    case .ollamaModel: "llama3:8b"
    case .openAIBaseURL: "https://api.openai.com/v1"
    case .openAIModel: "gpt-4o-mini"
    case .anthropicBaseURL: "https://api.anthropic.com"
    case .claudeModel: "claude-haiku-4-5"
    case .claudeMaxTokens: "1024"
    case .database, .embedder, .embeddingModel, .embeddingPrice, .prices, .model, .characters, .log, .tokenFile,
      .totalTimeout,
      .fallback,
      .allowLinkLocal,
      .ollamaTemperature,
      .ollamaMaxTokens, .openAIKey,
      .openAIKeyFile,
      .openAIKeyCommand, .anthropicKeyFile, .anthropicKeyCommand, .caBundle, .certificateFile, .certificateFolder,
      .openAITemperature, .openAIMaxTokens, .anthropicKey, .claudeTemperature:
      nil
    }
  }

  /// What it is for, in one line.
  public var summary: String {
    switch self {
    case .database: "the database file, when no --database names one"
    case .tokenFactor: "tokens of the model for each token of our estimate"
    case .knowledge: "what a character knows of the pages that the reader has read: reader, own or mentioned"
    case .budget: "tokens that a prompt may take, all in all"
    case .embedder:
      "what turns pages into vectors, when no --embedder says: auto, none, given, minilm, ollama or openai"
    case .embeddingModel: "the model that a server embeds with, when no --embedding-model says"
    case .embeddingPrice: "what a server takes for a million tokens, for the estimate of --dry-run"
    case .prices: "a file of what models take for a million tokens, for the costs that are told"
    case .model: "the file of the embedded model; unset is where make model puts it"
    case .characters: "a folder of characters of your own, when no --characters names one"
    case .log: "debug: say on standard error what is done, as -v does"
    case .tokenFile:
      "a file of mode 0600 with the names and tokens of those who may ask gibsey-serve; only from the environment"
    case .connectTimeout: "seconds to wait for a connection"
    case .firstTokenTimeout: "seconds to wait for the first token"
    case .stallTimeout: "seconds of silence in the middle of an answer"
    case .totalTimeout: "seconds for a whole answer; unset is as long as it takes"
    case .retryWait: "seconds to wait at most before a provider is asked again"
    case .fallback: "the providers that auto tries, in order, as in openai,ollama"
    case .resumeWith: "continue: the next provider goes on from a partial answer; stop: it ends"
    case .allowLinkLocal: "1: a provider may have a link-local address; only from the environment"
    case .ollamaBaseURL: "where Ollama listens"
    case .ollamaModel: "the model that Ollama is asked for"
    case .ollamaTemperature: "how freely it writes; unset is the model's own"
    case .ollamaMaxTokens: "tokens of an answer at most; unset is the model's own"
    case .openAIBaseURL: "where OpenAI, or anything that speaks like it, listens"
    case .openAIKeyFile, .anthropicKeyFile: "a file of mode 0600 that holds the key; only from the environment"
    case .openAIKeyCommand, .anthropicKeyCommand: "a command that prints the key; only from the environment"
    case .caBundle, .certificateFile: "a file of the authorities that are trusted; only from the environment"
    case .certificateFolder: "a folder of them; only from the environment"
    case .openAIKey: "the key that it wants"
    case .openAIModel: "the model that OpenAI is asked for"
    case .openAITemperature: "how freely it writes; unset is the model's own"
    case .openAIMaxTokens: "tokens of an answer at most; unset is the model's own"
    case .anthropicBaseURL: "where Anthropic listens"
    case .anthropicKey: "the key that it wants"
    case .claudeModel: "the model that Anthropic is asked for"
    case .claudeTemperature: "how freely it writes; unset is the model's own"
    case .claudeMaxTokens: "tokens of an answer at most"
    }
  }

  /// Whether it is never read from `./.env`: that file may be a stranger's, and these name files, run commands or decide whom
  /// to trust.
  public var isFromEnvironmentOnly: Bool {
    switch self {
    case .tokenFile, .openAIKeyFile, .openAIKeyCommand, .anthropicKeyFile, .anthropicKeyCommand, .caBundle,
      .certificateFile, .certificateFolder, .allowLinkLocal:
      true
    default: false
    }
  }

  /// Whether the value is never shown.
  public var isSecret: Bool { self == .openAIKey || self == .anthropicKey }
}
