// The names of all settings, each with its default and what it is for.

/// A setting's name, as it stands in the environment and in `./.env`.
public enum SettingName: String, Sendable, CaseIterable {
  case database = "GIBSEY_DATABASE"
  case budget = "GIBSEY_BUDGET"
  case log = "GIBSEY_LOG"
  case connectTimeout = "GIBSEY_CONNECT_TIMEOUT"
  case firstTokenTimeout = "GIBSEY_FIRST_TOKEN_TIMEOUT"
  case stallTimeout = "GIBSEY_STALL_TIMEOUT"
  case ollamaBaseURL = "OLLAMA_BASE_URL"
  case ollamaModel = "OLLAMA_MODEL"
  case ollamaTemperature = "OLLAMA_TEMPERATURE"
  case ollamaMaxTokens = "OLLAMA_MAX_TOKENS"
  case openAIBaseURL = "OPENAI_BASE_URL"
  case openAIKey = "OPENAI_API_KEY"
  case openAIModel = "OPENAI_MODEL"
  case openAITemperature = "OPENAI_TEMPERATURE"
  case openAIMaxTokens = "OPENAI_MAX_TOKENS"
  case anthropicBaseURL = "ANTHROPIC_BASE_URL"
  case anthropicKey = "ANTHROPIC_API_KEY"
  case claudeModel = "CLAUDE_MODEL"
  case claudeTemperature = "CLAUDE_TEMPERATURE"
  case claudeMaxTokens = "CLAUDE_MAX_TOKENS"

  /// What holds when nobody sets it; nil is nothing.
  public var defaultValue: String? {
    switch self {
    case .budget: "6000"
    case .connectTimeout: "5"
    case .firstTokenTimeout: "120"
    case .stallTimeout: "60"
    case .ollamaBaseURL: "http://localhost:11434"
    case .ollamaModel: "llama3:8b"
    case .openAIBaseURL: "https://api.openai.com/v1"
    case .openAIModel: "gpt-4o-mini"
    case .anthropicBaseURL: "https://api.anthropic.com"
    case .claudeModel: "claude-haiku-4-5"
    case .claudeMaxTokens: "1024"
    case .database, .log, .ollamaTemperature, .ollamaMaxTokens, .openAIKey, .openAITemperature,
      .openAIMaxTokens, .anthropicKey, .claudeTemperature:
      nil
    }
  }

  /// Whether the value is never shown.
  public var isSecret: Bool { self == .openAIKey || self == .anthropicKey }
}
