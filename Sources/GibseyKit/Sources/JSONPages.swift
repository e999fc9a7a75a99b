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
      guard let page = try RecordCoder.decode(bytes, bare: .page).pageOrHarmless() else {
        return ordinal -= 1
      }
      try shelf.add(page, prefix: prefix, ordinal: ordinal, place: .line(line, path: path), visit)
    } catch let problem as RecordProblem {
      let error = GibseyError.malformedInput(source: path, line: line, reason: problem.reason)
      try shelf.fail("\(prefix)/\(ordinal)", error, visit)
    }
  }
}

/// Pages as the elements of one JSON array, which may be the `pages` of an object.
struct JSONArrayPages {
  let path: String
  let prefix: String

  func read(
    _ bytes: [UInt8], _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws {
    var elements = 0
    var ordinal = 0
    func take(_ value: JSONValue) throws {
      elements += 1
      ordinal += 1
      try add(value, elements, &ordinal, &shelf, visit)
    }
    do {
      try JSONScanner.scan(bytes) { scanner in
        if scanner.peek() == UInt8(ascii: "[") {
          return try scanner.elements { try take(try $0.value()) }
        }
        let value = try scanner.value()
        guard let list = value.objectValue?["pages"]?.arrayValue, value.objectValue?["text"] == nil
        else { return try take(value) }  // one object alone is a file with one page
        for element in list { try take(element) }
      }
    } catch let error as JSONError {
      let reason = "not JSON: \(error.reason) at byte \(error.offset + 1)"
      try shelf.fail(
        "\(prefix)/\(ordinal + 1)", .malformedInput(source: path, line: nil, reason: reason), visit)
    }
  }

  private func add(
    _ value: JSONValue, _ element: Int, _ ordinal: inout Int, _ shelf: inout Shelf,
    _ visit: (SourceItem) throws -> Void
  ) throws {
    let place = SourcePlace.element(element, path: path)
    do {
      guard let object = value.objectValue else { throw RecordProblem("wanted an object") }
      let record: Record
      if let type = object["type"]?.stringValue, let data = object["data"]?.objectValue {
        record = try Record(type: type, data: data, line: value.text)
      } else {
        record = .page(try Page(RecordFields(object)))
      }
      guard let page = try record.pageOrHarmless() else { return ordinal -= 1 }
      try shelf.add(page, prefix: prefix, ordinal: ordinal, place: place, visit)
    } catch let problem as RecordProblem {
      let error = GibseyError.malformedInput(source: place.words, line: nil, reason: problem.reason)
      try shelf.fail("\(prefix)/\(ordinal)", error, visit)
    }
  }
}

extension Record {
  /// The page; nil for a record that is none and does no harm: an unknown type, or what another run told.
  /// - Throws: `RecordProblem` for a request, a prompt or an answer, which cannot have been meant.
  fileprivate func pageOrHarmless() throws -> Page? {
    switch self {
    case .page(let page): return page
    case .unknown, .indexSummary, .pageIndexed: return nil
    case let other: throw RecordProblem("a record of type \(other.type), wanted page")
    }
  }
}
