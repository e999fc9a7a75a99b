// Records for a terminal: the same values, in letters that cannot drive it.

/// JSON whose strings hold nothing that a terminal obeys, that turns a text around or that ends a line for somebody: such
/// characters stand as `\u202e`.
public enum TerminalJSON {
  /// The same JSON, UTF-8: DEL, C1, bidirectional controls and separators of lines are escaped. C0 is in JSON anyway, and
  /// outside of strings there is none but white space; of it a carriage return goes.
  public static func shown(_ json: [UInt8]) -> [UInt8] {
    // What begins one of them: most lines have none.
    guard json.contains(where: { [0x7F, 0x0D, 0xC2, 0xD8, 0xE2].contains($0) }) else { return json }
    var shown: [UInt8] = []
    shown.reserveCapacity(json.count)
    for scalar in String(decoding: json, as: UTF8.self).unicodeScalars where scalar != "\r" {
      if Diagnostics.drivesTerminal(scalar) {
        let digits = String(scalar.value, radix: 16)
        shown += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8
      } else {
        shown += String(scalar).utf8
      }
    }
    return shown
  }
}
