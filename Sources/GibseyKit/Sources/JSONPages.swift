// Pages as JSON: one a line, or the elements of an array.

/// Pages as lines.
struct LinePages {
  let path: String
  let prefix: String
  let limitBytes: Int
  private var line = 0
  private var ordinal = 0

  init(path: String, prefix: String, limitBytes: Int) {
    self.path = path
    self.prefix = prefix
    self.limitBytes = limitBytes
  }

  mutating func add(
    _ content: LineSplitter.Line, _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws {
    line += 1
    guard case .whole(let bytes) = content else {
      ordinal += 1
      let error = GibseyError.lineTooLong(source: path, line: line, limitBytes: limitBytes)
      return try shelf.fail("\(prefix)/\(ordinal)", error, visit)
    }
    if bytes.allSatisfy({ $0 <= 0x20 }) { return }
    ordinal += 1
    do {
      switch try RecordCoder.decode(bytes, bare: .page) {
      case .page(let page):
        try shelf.add(page, prefix: prefix, ordinal: ordinal, place: "\(path): line \(line)", visit)
      case .unknown, .indexSummary, .pageIndexed: ordinal -= 1  // not pages, and no harm
      case let other: throw RecordProblem("a record of type \(other.type), wanted page")
      }
    } catch let problem as RecordProblem {
      let error = GibseyError.malformedInput(source: path, line: line, reason: problem.reason)
      try shelf.fail("\(prefix)/\(ordinal)", error, visit)
    }
  }
}

/// Pages as the elements of one JSON array.
struct JSONArrayPages {
  let path: String
  let prefix: String

  func read(
    _ bytes: [UInt8], _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws {
    var ordinal = 0
    do {
      try JSONScanner.scan(bytes) { scanner in
        // One object alone is a file with one page.
        guard scanner.peek() == UInt8(ascii: "[") else {
          ordinal += 1
          return try add(try scanner.value(), ordinal, &shelf, visit)
        }
        try scanner.elements { scanner in
          ordinal += 1
          try add(try scanner.value(), ordinal, &shelf, visit)
        }
      }
    } catch let error as JSONError {
      let reason = "not JSON: \(error.reason) at byte \(error.offset + 1)"
      try shelf.fail(
        "\(prefix)/\(max(ordinal, 1))", .malformedInput(source: path, line: nil, reason: reason), visit)
    }
  }

  private func add(
    _ value: JSONValue, _ ordinal: Int, _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws {
    let place = "\(path): element \(ordinal)"
    do {
      guard let object = value.objectValue else { throw RecordProblem("wanted an object") }
      let isRecord = object["type"]?.stringValue == "page"
      let data = (isRecord ? object["data"]?.objectValue : nil) ?? object
      try shelf.add(try Page(RecordFields(data)), prefix: prefix, ordinal: ordinal, place: place, visit)
    } catch let problem as RecordProblem {
      let error = GibseyError.malformedInput(source: place, line: nil, reason: problem.reason)
      try shelf.fail("\(prefix)/\(ordinal)", error, visit)
    }
  }
}
