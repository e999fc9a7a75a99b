// Which proxy a request goes through. libcurl decides it; this is for the sentence when the proxy fails.

/// The variables that name proxies to curl(1), as they stand in the environment.
public struct HTTPProxies: Sendable, Equatable {
  /// Each variable that libcurl reads, in its order. There is no `HTTP_PROXY`: web servers set that for a header `Proxy`.
  public static let names = [
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
  ]

  /// A proxy as a person knows it.
  struct Proxy: Equatable {
    /// The variable that names it.
    let variable: String
    /// Host and port, without a user and a password.
    let display: String
  }

  private let values: [String: String]

  /// - Parameter values: by `names`; empty ones count as none.
  public init(_ values: [String: String] = [:]) { self.values = values.filter { !$0.value.isEmpty } }

  /// The proxy on the way to an address; nil where there is none.
  func proxy(to address: WebAddress) -> Proxy? {
    guard !address.isLoopback, !isExcepted(address.host) else { return nil }
    let own = address.isEncrypted ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
    guard let variable = (own + ["all_proxy", "ALL_PROXY"]).first(where: { values[$0] != nil }) else { return nil }
    return Proxy(variable: variable, display: Self.display(values[variable] ?? ""))
  }

  /// Whether `no_proxy` names the host, or a domain that it is in; `*` is every host.
  private func isExcepted(_ host: String) -> Bool {
    let list = values["no_proxy"] ?? values["NO_PROXY"] ?? ""
    return list.lowercased().split { $0 == "," || $0 == " " }.contains { entry in
      let name = entry.hasPrefix(".") ? entry.dropFirst() : entry
      return entry == "*" || host == name || host.hasSuffix("." + name)
    }
  }

  private static func display(_ value: String) -> String {
    var text = value[...]
    if let scheme = text.firstRange(of: "://") { text = text[scheme.upperBound...] }
    if let user = text.lastIndex(of: "@") { text = text[text.index(after: user)...] }
    return String(text.prefix { $0 != "/" })
  }
}
