// A vector in a record: an array of numbers, or the base64 of little-endian 32-bit floats, which takes a third of the bytes
// and no parsing of numbers.

extension RecordFields {
  /// A vector of finite numbers, not all of them 0.
  func optionalVector(_ name: String) throws -> [Float]? {
    guard let value = object[name], value != .null else { return nil }
    let vector: [Float]
    if let text = value.stringValue {
      guard let bytes = Base64.decoded(text.utf8), !bytes.isEmpty, bytes.count % 4 == 0 else {
        throw RecordProblem("\(name): wanted the base64 of 32-bit floats")
      }
      vector = stride(from: 0, to: bytes.count, by: 4).map {
        Float(bitPattern: bytes.littleEndian(UInt32.self, at: $0))
      }
    } else {
      let numbers = value.arrayValue?.compactMap { $0.doubleValue.map(Float.init) }
      guard let numbers, numbers.count == value.arrayValue?.count, !numbers.isEmpty else {
        throw RecordProblem("\(name): wanted an array of numbers, or a base64 string")
      }
      vector = numbers
    }
    guard vector.allSatisfy(\.isFinite) else { throw RecordProblem("\(name): wanted finite numbers") }
    guard vector.contains(where: { $0 != 0 }) else { throw RecordProblem("\(name): all of it is 0") }
    return vector
  }
}

extension JSONWriter {
  mutating func member(_ name: String, vector: [Float]?) {
    guard let vector else { return }
    var bytes: [UInt8] = []
    for component in vector { bytes.append(littleEndian: component.bitPattern) }
    member(name, Base64.encoded(bytes))
  }
}
