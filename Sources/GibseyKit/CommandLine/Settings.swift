// What the tools are told: flags, then the environment, then ./.env, then defaults.

/// A value, and where it came from.
public struct Setting: Sendable, Equatable {
  /// Where a value came from.
  public enum Origin: Sendable, Equatable {
    case flag(String)
    case environment
    case environmentFile
    case defaultValue

    /// As `--show-settings` and errors name it.
    public var text: String {
      switch self {
      case .flag(let flag): flag
      case .environment: "the environment"
      case .environmentFile: "./.env"
      case .defaultValue: "the default"
      }
    }
  }

  public let name: SettingName
  public let value: String
  public let origin: Origin

  /// What is wrong with it; a flag is called by its own name.
  func wrong(_ wanted: String) -> GibseyError {
    if case .flag(let flag) = origin { return .usage("\(flag) \(shownValue): wanted \(wanted)", hint: nil) }
    return .badSetting(name: name.rawValue, value: shownValue, origin: origin.text, wanted: wanted)
  }

  /// The value for errors: a secret is not shown at all.
  private var shownValue: String { name.isSecret ? "****" : Self.withoutPassword(value) }

  /// An address without who logs in there, and with what: `http://****@host/`.
  private static func withoutPassword(_ value: String) -> String {
    let parts = value.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count > 2, parts[0].last == ":", parts[1].isEmpty, let end = parts[2].lastIndex(of: "@") else {
      return value
    }
    return "\(parts[0])//****\(value[end...])"
  }

  /// Bytes that a secret must have before three and two of them may be shown: a short one would be half told.
  private static let tellableLength = 20

  /// The value for `--show-settings`: of a long secret enough to know it by, of a short one nothing.
  var maskedValue: String {
    guard name.isSecret else { return Self.withoutPassword(value) }
    guard value.count >= Self.tellableLength else { return "****" }
    return "\(value.prefix(3))…\(value.suffix(2))"
  }
}

/// All settings, resolved once when a tool starts. An empty value counts as none.
public struct Settings: Sendable {
  private let environment: [SettingName: String]
  private let environmentFile: [SettingName: String]
  private let passedOver: Set<SettingName>
  private let foundDefaults: [SettingName: String]
  private var flags: [SettingName: (value: String, flag: String)] = [:]
  /// Not ours to set: libcurl reads them itself.
  let proxies: HTTPProxies

  /// - Parameters:
  ///   - passedOver: settings that `./.env` names and may not set.
  ///   - foundDefaults: what holds on this machine when nobody sets it, before the names' own defaults.
  ///   - proxies: what the environment says of them.
  public init(
    environment: [SettingName: String], environmentFile: [SettingName: String],
    passedOver: Set<SettingName> = [], foundDefaults: [SettingName: String] = [:], proxies: HTTPProxies = HTTPProxies()
  ) {
    self.proxies = proxies
    self.environment = environment
    self.environmentFile = environmentFile
    self.passedOver = passedOver
    self.foundDefaults = foundDefaults
  }

  /// The same settings with what a flag says; nil changes nothing.
  public func overriding(_ name: SettingName, _ value: String?, flag: String) -> Settings {
    guard let value else { return self }
    var copy = self
    copy.flags[name] = (value, flag)
    return copy
  }

  /// The value that counts; nil when nobody set it and there is no default.
  public subscript(name: SettingName) -> Setting? {
    if let (value, flag) = flags[name], !value.isEmpty {
      return Setting(name: name, value: value, origin: .flag(flag))
    }
    if let value = environment[name], !value.isEmpty {
      return Setting(name: name, value: value, origin: .environment)
    }
    if let value = environmentFile[name], !value.isEmpty {
      return Setting(name: name, value: value, origin: .environmentFile)
    }
    return (foundDefaults[name] ?? name.defaultValue).map { Setting(name: name, value: $0, origin: .defaultValue) }
  }

  /// Whether `./.env` would set it, and may not, and nothing else does: whoever wrote that there believes that it holds.
  public func isPassedOver(_ name: SettingName) -> Bool { passedOver.contains(name) && self[name] == nil }

  /// The value as it came.
  public func string(_ name: SettingName) -> String? { self[name]?.value }

  /// Whether GIBSEY_LOG asks for debug lines, as `-v` does.
  public var isVerbose: Bool { string(.log) == "debug" }

  /// The value as a count; nil when there is none.
  /// - Throws: `GibseyError.badSetting`, of a flag `.usage`, unless it is a whole number of at least 1 that can be
  ///   counted with.
  public func count(_ name: SettingName) throws -> Int? {
    guard let setting = self[name] else { return nil }
    guard let value = Int(setting.value), (1...JSONNumber.largestInteger).contains(value) else {
      throw setting.wrong("a whole number from 1")
    }
    return value
  }

  /// The value as a number; nil when there is none.
  /// - Throws: `GibseyError.badSetting`, of a flag `.usage`, unless it is a number from 0 to `most`.
  public func number(_ name: SettingName, upTo most: Double) throws -> Double? {
    guard let setting = self[name] else { return nil }
    guard let value = Double(setting.value), (0...most).contains(value) else {
      throw setting.wrong("a number from 0 to \(JSONNumber(most).text)")
    }
    return value
  }

  /// The value as a factor.
  /// - Throws: `GibseyError.badSetting`, of a flag `.usage`, unless it is a number from 0.1 to 10.
  public func factor(_ name: SettingName) throws -> Double {
    guard let setting = self[name] else { throw GibseyError.ourBug("\(name.rawValue) has no default") }
    guard let value = Double(setting.value), value >= 0.1, value <= 10 else {
      throw setting.wrong("a number from 0.1 to 10")
    }
    return value
  }

  /// The value, a number of seconds, as a duration.
  /// - Throws: `GibseyError.badSetting`, of a flag `.usage`, unless it is from a millisecond, or `least` seconds, to a day.
  public func seconds(_ name: SettingName, from least: Double = 0.001) throws -> Duration {
    guard let setting = self[name] else {
      throw GibseyError.ourBug("\(name.rawValue) has no default")
    }
    guard let value = Double(setting.value), value >= least, value <= 86_400 else {
      throw setting.wrong("seconds, from \(JSONNumber(least).text) to 86400")
    }
    return .milliseconds(Int(value * 1000))
  }

  /// One line a setting, with where it came from; secrets masked.
  public var description: String {
    SettingName.allCases.map { name in
      guard let setting = self[name] else { return "\(name.rawValue)=  (not set)\n" }
      return
        "\(name.rawValue)=\(Diagnostics.oneLine(setting.maskedValue))  (\(setting.origin.text))\n"
    }.joined()
  }
}
