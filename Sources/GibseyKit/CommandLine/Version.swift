// The version of all tools: they are released together.

/// Semantic version (semver.org).
public enum Version {
  public static let text = "0.1.0"
}
