// What a setting must be, and what is said when it is not.
import Testing

@testable import GibseyKit

@Suite struct TypedSettingsTests {
  private func settings(_ name: SettingName, _ value: String) -> Settings {
    Settings(environment: [name: value], environmentFile: [:])
  }

  @Test func everySettingSaysWhatItIsFor() {
    for name in SettingName.allCases {
      #expect(!name.summary.isEmpty && !name.summary.contains("\n"))
    }
  }

  @Test(arguments: ["0", "-1", "1.5", "many", " 5", "99999999999999999999"])
  func aCountIsAWholeNumberFromOne(value: String) {
    #expect(
      throws: GibseyError.badSetting(
        name: "GIBSEY_BUDGET", value: value, origin: "the environment",
        wanted: "a whole number from 1")
    ) { try settings(.budget, value).count(.budget) }
  }

  @Test(arguments: ["-0.1", "warm", "nan", "inf", "2.1", "1e308"])
  func aNumberIsFromZeroToWhatItMayBe(value: String) {
    #expect(
      throws: GibseyError.badSetting(
        name: "OLLAMA_TEMPERATURE", value: value, origin: "the environment",
        wanted: "a number from 0 to 2")
    ) { try settings(.ollamaTemperature, value).number(.ollamaTemperature, upTo: 2) }
  }

  @Test(arguments: ["0", "0.0001", "-1", "86401", "soon", "nan"])
  func secondsAreFromAMillisecondToADay(value: String) {
    #expect(throws: GibseyError.self) { try settings(.stallTimeout, value).seconds(.stallTimeout) }
  }

  @Test func valuesThatFitAreTaken() throws {
    #expect(try settings(.budget, "800").count(.budget) == 800)
    #expect(try settings(.budget, "").count(.budget) == 6000)
    #expect(try settings(.ollamaMaxTokens, "").count(.ollamaMaxTokens) == nil)
    #expect(try settings(.ollamaTemperature, "0.25").number(.ollamaTemperature, upTo: 2) == 0.25)
    #expect(try settings(.connectTimeout, "0.5").seconds(.connectTimeout) == .milliseconds(500))
    #expect(try settings(.log, "").seconds(.stallTimeout) == .seconds(60))
  }

  @Test func aSecretIsNotInAnError() {
    #expect(
      throws: GibseyError.badSetting(
        name: "OPENAI_API_KEY", value: "****", origin: "the environment",
        wanted: "a key without spaces and control characters")
    ) { try settings(.openAIKey, "sk-with a space").provider(.openai) }
  }

  @Test func ofALongSecretEnoughIsShownToKnowItBy() {
    let shown = settings(.openAIKey, "sk-0123456789abcdefgh").description
    #expect(shown.contains("OPENAI_API_KEY=sk-…gh  (the environment)\n"))
    #expect(settings(.openAIKey, "sk-0123456789abcdef").description.contains("OPENAI_API_KEY=****"))
  }

  @Test func aProviderHasWhatItsSettingsSay() throws {
    let none = Settings(environment: [:], environmentFile: [:])
    #expect(
      try none.provider(.ollama)
        == ProviderSettings(
          provider: .ollama,
          account: ProviderAccount(baseURL: try WebAddress("http://localhost:11434"), model: "llama3:8b"),
          key: nil, isConfigured: true))
    #expect(try none.provider(.openai).isConfigured == false)
    #expect(
      try none.provider(.anthropic)
        == ProviderSettings(
          provider: .anthropic,
          account: ProviderAccount(
            baseURL: try WebAddress("https://api.anthropic.com"), model: "claude-haiku-4-5", maxTokens: 1024),
          key: nil, isConfigured: false))
    // An address of the user's own may need no key.
    #expect(
      try settings(.openAIBaseURL, "http://127.0.0.1:8080/v1/").provider(.openai).isConfigured)
  }
}
