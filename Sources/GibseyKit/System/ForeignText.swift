// Bytes that ought to be text and need not be: names of files, arguments, what the environment holds.

/// C strings of others.
enum ForeignText {
  /// The bytes as a person may read them, those that are not ASCII as in `caf\xe9.txt`: for what is no UTF-8.
  static func shown(_ bytes: UnsafePointer<CChar>) -> String {
    var text = ""
    var place = bytes
    while place.pointee != 0 {
      let byte = UInt8(bitPattern: place.pointee)
      text += byte < 0x80 ? String(Unicode.Scalar(byte)) : "\\x" + String(byte, radix: 16)
      place += 1
    }
    return text
  }
}
