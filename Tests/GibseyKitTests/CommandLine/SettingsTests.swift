// Who wins, and what is never shown or sent.
import Testing

@testable import GibseyKit

@Suite struct SettingsTests {
  private func file(_ text: String) throws -> [SettingName: String] {
    try EnvironmentFile.parse(Array(text.utf8), path: ".env").settings
  }

  @Test func aFlagBeatsTheEnvironmentBeatsTheFileBeatsTheDefault() {
    let settings = Settings(
      environment: [.openAIModel: "e", .budget: ""], environmentFile: [.openAIModel: "f", .budget: "7"])
    #expect(settings[.openAIModel] == Setting(name: .openAIModel, value: "e", origin: .environment))
    #expect(settings[.budget] == Setting(name: .budget, value: "7", origin: .environmentFile))
    #expect(settings[.ollamaModel] == Setting(name: .ollamaModel, value: "llama3:8b", origin: .defaultValue))
    #expect(settings.overriding(.openAIModel, "x", flag: "--model").string(.openAIModel) == "x")
    #expect(settings[.openAIKey] == nil)
  }

  @Test func theFileHasNamesAndValuesAndNothingRuns() throws {
    let settings = try file(
      "\u{FEFF}# comment\r\nexport OPENAI_MODEL = \"a # b\\n\" # c\r\nOLLAMA_MODEL='$(rm -rf /)'\nGIBSEY_BUDGET=7 # x\nPATH=/evil\n\n"
    )
    #expect(settings == [.openAIModel: "a # b\n", .ollamaModel: "$(rm -rf /)", .budget: "7"])
    #expect(throws: GibseyError.malformedInput(source: ".env", line: 2, reason: "wanted GIBSEY_BUDGET=value")) {
      try file("\nGIBSEY_BUDGET")
    }
    #expect(throws: GibseyError.malformedInput(source: ".env", line: 1, reason: "a quote without its end")) {
      try file("GIBSEY_BUDGET=\"7")
    }
  }

  @Test func aBaseURLFromTheFileNeverGetsAKeyFromElsewhere() throws {
    let stolen = Settings(environment: [.openAIKey: "sk"], environmentFile: [.openAIBaseURL: "http://evil"])
    #expect(
      throws: GibseyError.keyWithheld(provider: "openai", urlName: "OPENAI_BASE_URL", keyName: "OPENAI_API_KEY")
    ) { try stolen.provider(.openai) }
    let together = Settings(environment: [:], environmentFile: [.openAIBaseURL: "http://mine/", .openAIKey: "sk"])
    #expect(try together.provider(.openai).account.baseURL.text == "http://mine")
    let keyOnly = Settings(environment: [:], environmentFile: [.anthropicKey: "sk"])
    #expect(try keyOnly.provider(.anthropic).key == APIKey("sk").map { .value($0) })
  }

  @Test(arguments: ["ftp://x", "localhost:11434", "http://user:pw@host", "http://", "http://a b"])
  func anAddressIsHTTPWithoutAUserAndIsNotRepeatedInTheError(address: String) {
    let settings = Settings(environment: [.ollamaBaseURL: address], environmentFile: [:])
    do {
      _ = try settings.provider(.ollama)
      Issue.record("\(address) was taken")
    } catch {
      #expect((error as? GibseyError)?.exitStatus == .badSettings)
      #expect((error as? GibseyError)?.message.contains("pw") == false)
    }
  }

  @Test func aLinkLocalAddressIsTakenOnlyWhereItIsAllowed() throws {
    let file: [SettingName: String] = [.ollamaBaseURL: "http://169.254.169.254"]
    #expect(throws: GibseyError.self) { try Settings(environment: [:], environmentFile: file).provider(.ollama) }
    for value in ["0", "yes"] {
      let settings = Settings(environment: [.allowLinkLocal: value], environmentFile: file)
      #expect(throws: GibseyError.self) { try settings.provider(.ollama) }
    }
    let allowing = Settings(environment: [.allowLinkLocal: "1"], environmentFile: file)
    #expect(try allowing.provider(.ollama).account.baseURL.host == "169.254.169.254")
    #expect(allowing.trust.allowsLinkLocal)
    #expect(SettingName.allowLinkLocal.isFromEnvironmentOnly)
  }

  @Test func noSecretIsShown() {
    let settings = Settings(environment: [.openAIKey: "sk-very-secret"], environmentFile: [.anthropicKey: "sk-ant"])
    #expect(!settings.description.contains("sk-"))
    #expect(settings.description.contains("OPENAI_API_KEY=****  (the environment)\n"))
  }
}
