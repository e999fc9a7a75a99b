// Where a key comes from, and where it may go.

/// The source of a provider's key.
public enum KeySource: Sendable, Equatable {
  case value(APIKey)
  /// A file that only its owner can read.
  case file(path: String, name: SettingName)
  /// A command that prints it, for keychains.
  case command(String, name: SettingName)
}

/// The settings of a provider that may name its key.
struct KeyNames: Sendable {
  let value: SettingName
  let file: SettingName
  let command: SettingName
}

extension Settings {
  /// The key that counts: one from the environment before one from `./.env`, and in one place the key itself, then the file,
  /// then the command.
  private func key(_ names: KeyNames) -> Setting? {
    let set = [names.value, names.file, names.command].compactMap { self[$0] }
    return set.first { $0.origin != .environmentFile } ?? set.first
  }

  /// The source of the key for an address; nil when none is set.
  ///
  /// A key goes to the vendor's own host, encrypted, or to an address that was set in the same place: an address in `./.env`
  /// may be a stranger's who made the folder, one in the environment may be of another tool.
  /// - Throws: `GibseyError.keyWithheld`, `.badSetting`.
  func keySource(
    _ names: KeyNames, provider: String, address: Setting, url: WebAddress, vendorHost: String
  ) throws -> KeySource? {
    guard let setting = key(names) else { return nil }
    let isVendor = url.host == vendorHost && url.isEncrypted && url.port == 443
    guard isVendor || address.origin == setting.origin else {
      throw GibseyError.keyWithheld(
        provider: provider, urlName: address.name.rawValue, keyName: setting.name.rawValue,
        urlOrigin: address.origin.text, isNeverInFile: setting.name.isFromEnvironmentOnly)
    }
    switch setting.name {
    case names.file: return .file(path: setting.value, name: setting.name)
    case names.command: return .command(setting.value, name: setting.name)
    default:
      guard let key = Self.key(in: setting.value) else {
        throw setting.wrong("a key without spaces and control characters")
      }
      return .value(key)
    }
  }

  /// The key in a text, a line feed at its end aside; nil when it cannot be one.
  static func key(in text: String) -> APIKey? {
    var line = text[...]
    while line.last?.isNewline == true { line.removeLast() }
    return line.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? APIKey(String(line)) : nil
  }
}
