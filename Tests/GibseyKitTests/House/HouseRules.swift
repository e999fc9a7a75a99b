// The rules of the house: which room may know which, and what nobody does.

/// A folder of the library, what it may import, and whose types it may name.
struct Room {
  let name: String
  let imports: Set<String>
  let rooms: Set<String>
  /// Words that are nobody else's business but that this room must not use, each with the reason.
  var forbidden: [String: String] = [:]

  private static let noClock = [
    "clock_gettime": "no clocks here", "ContinuousClock": "no clocks here",
    "SuspendingClock": "no clocks here", "Timestamp": "no clocks here",
    "random": "no randomness here", "SystemRandomNumberGenerator": "no randomness here",
  ]
  private static let noStreams = ["FileDescriptor": "no input or output here"]
  private static let noEnvironment = ["getenv": "only CommandLine reads the environment"]

  static let all: [Room] = [
    Room(
      name: "System", imports: ["Glibc", "Dispatch", "Synchronization", "FoundationEssentials"],
      rooms: [], forbidden: noEnvironment),
    Room(
      name: "Records", imports: ["Glibc"], rooms: ["System"],
      forbidden: noEnvironment.merging(noStreams) { $1 }),
    Room(
      name: "Retrieval", imports: ["CKernels", "Glibc", "Synchronization"], rooms: ["System", "Records"],
      forbidden: noClock.merging(noStreams) { $1 }),
    Room(
      name: "Prompting", imports: [], rooms: ["System", "Records", "Retrieval"],
      forbidden: noClock.merging(noStreams) { $1 }),
    Room(
      name: "Store", imports: ["CSQLite", "Glibc", "Synchronization"],
      rooms: ["System", "Records", "Retrieval"],
      forbidden: noEnvironment),
    Room(
      name: "HTTP", imports: ["CCurl", "Glibc", "Synchronization"], rooms: ["System"],
      forbidden: noEnvironment),
    Room(
      name: "Providers", imports: ["CKernels", "Glibc", "Synchronization"],
      rooms: ["System", "Records", "HTTP"],
      forbidden: noEnvironment),
    Room(
      name: "Embedding", imports: ["CKernels", "Glibc", "Synchronization"],
      rooms: ["System", "Records", "Retrieval", "HTTP", "Providers"], forbidden: noEnvironment),
    Room(
      name: "Sources", imports: ["Glibc"], rooms: ["System", "Records"], forbidden: noEnvironment),
    Room(
      name: "Pipeline", imports: ["Synchronization"],
      rooms: [
        "System", "Records", "Retrieval", "Prompting", "Store", "HTTP", "Providers", "Embedding",
        "Sources",
      ],
      forbidden: noEnvironment.merging(["standardOutput": "a verb is given where to write"]) { $1 }),
    Room(
      name: "CommandLine", imports: ["ArgumentParser", "Glibc", "Synchronization"],
      rooms: [
        "System", "Records", "Retrieval", "Prompting", "Store", "HTTP", "Providers", "Embedding",
        "Sources", "Pipeline",
      ]),
  ]
}

/// What nobody does, whichever the room.
struct Ban {
  /// Lines without these characters are not looked at: a regular expression is slow.
  let hint: String
  let pattern: Regex<Substring>
  let reason: String
  /// The rooms in which it is looked for; empty is everywhere.
  var rooms: Set<String> = []

  /// The numbers of the lines that do it.
  func lines(in source: SwiftSource) -> [Int] {
    source.lines(with: hint).filter { $0.line.contains(pattern) }.map(\.number)
  }

  static var all: [Ban] {
    [
      Ban(
        hint: "(", pattern: /(?:^|[^A-Za-z0-9_.])(?:Swift\.)?(?:print|debugPrint|dump)\(/,
        reason: "print( bypasses the streams"),
      Ban(
        hint: "(", pattern: /(?:^|[^A-Za-z0-9_.])(?:Glibc\.)?(?:_?exit|abort|quick_exit)\(/,
        reason: "exit( belongs to Tool"),
      Ban(hint: "try!", pattern: /\btry!/, reason: "try! hides a failure"),
      Ban(
        hint: "(", pattern: /\b(?:fatalError|preconditionFailure)\(/,
        reason: "fatalError( ends the process"),
      Ban(
        hint: "(unsafe", pattern: /nonisolated\(unsafe\)/,
        reason: "nonisolated(unsafe) is a data race"),
      Ban(
        hint: "@unchecked", pattern: /@unchecked Sendable/,
        reason: "@unchecked Sendable needs a reason"),
      Ban(
        hint: "static ", pattern: /\bstatic (?:let|var) (?:shared|current|instance)\b/,
        reason: "a singleton"),
      Ban(
        hint: "var ", pattern: /^(?:@[A-Za-z]+ )?(?:[a-z]+ )?var [^{]*$/, reason: "a global var"),
      Ban(hint: "static var ", pattern: /\bstatic var [^{]*=[^{]*$/, reason: "a global var"),
      Ban(
        hint: "Foundation", pattern: /\bimport Foundation\b/, reason: "Foundation costs start-up"),
      Ban(
        hint: "String", pattern: #/\bSet<String>|\[String: /#, reason: namesAsKeys,
        rooms: ["Store", "Pipeline", "Prompting", "Sources"]),
      Ban(
        hint: "= ",
        pattern: #/(?:[pP]ageID|[cC]haracterID|(?:[pP]age|current|gate)\??\.id)\)? (?:==|!=) (?!nil\b)/#,
        reason: "names are compared by their spelling"),
    ]
  }

  /// To Swift an é of one scalar and one of two are the same key, to SQLite two.
  private static let namesAsKeys = "a name as a key is its spelling"

  /// The places where something banned is right, each with the reason.
  static let exceptions: [(path: String, reason: String, because: String)] = [
    (
      "Sources/GibseyKit/CommandLine/Tool.swift", "exit( belongs to Tool",
      "the one place where a process of ours ends"
    ),
    (
      "Sources/GibseyKit/Embedding/EncodingMemory.swift", "@unchecked Sendable needs a reason",
      "memory that whoever was lent it has alone"
    ),
    (
      "Sources/GibseyKit/Embedding/EmbeddedModelFile.swift", "@unchecked Sendable needs a reason",
      "the mapped bytes are only read, and unmapped in deinit"
    ),
    ("Sources/GibseyKit/Store/TermCounting.swift", namesAsKeys, "stems of a question"),
    ("Sources/GibseyKit/Store/CardStore.swift", namesAsKeys, "words that call lore"),
    ("Sources/GibseyKit/Pipeline/CircuitBreaker.swift", namesAsKeys, "providers, all ASCII"),
    ("Sources/GibseyKit/Pipeline/RecordingTransport.swift", namesAsKeys, "names of headers"),
    ("Sources/GibseyKit/Pipeline/ReplayTransport.swift", namesAsKeys, "URLs, all ASCII"),
    ("Sources/GibseyKit/Prompting/CharacterCard.swift", namesAsKeys, "members of a card that are known, all ASCII"),
    ("Sources/GibseyKit/Prompting/CharacterFile.swift", namesAsKeys, "fields of a file that are known, all ASCII"),
    ("Sources/GibseyKit/Prompting/LoreEntry.swift", namesAsKeys, "members that are known, and words"),
    ("Sources/GibseyKit/Prompting/LoreScan.swift", namesAsKeys, "words"),
    ("Sources/GibseyKit/Prompting/PlainWords.swift", namesAsKeys, "words, equal as a reader takes them to be"),
    ("Sources/GibseyKit/Prompting/StoryCharacter.swift", namesAsKeys, "the built-in ids, all ASCII"),
    ("Sources/GibseyKit/Sources/FrontMatter.swift", namesAsKeys, "fields, for the line that a problem is told with"),
    ("Sources/GibseyKit/Sources/PlainTextPages.swift", namesAsKeys, "words of headings"),
    ("Sources/GibseyKit/Sources/PNGText.swift", namesAsKeys, "keywords of chunks, all ASCII"),
  ]
}

/// All rules over all sources: the findings, as `path:line: what`.
struct HouseInspection {
  static let fileLimitLines = 400
  static let toolLimitLines = 120
  static let functionLimitLines = 60
  static let daemonImports: Set<String> = [
    "ArgumentParser", "GibseyKit", "Glibc", "NIOCore", "NIOHTTP1", "NIOPosix", "Synchronization",
  ]

  let sources: [SwiftSource]

  private func room(of source: SwiftSource) -> Room? {
    let folders = source.path.split(separator: "/")
    guard folders.count > 3, folders[1] == "GibseyKit" else { return nil }
    return Room.all.first { $0.name == folders[2] }
  }

  private func isTool(_ source: SwiftSource) -> Bool {
    source.path.hasPrefix("Sources/gibsey-")
  }

  /// The daemon: the one program with rooms of its own, and the only one that knows NIO.
  private func isDaemon(_ source: SwiftSource) -> Bool { source.path.hasPrefix("Sources/gibsey-serve/") }

  /// The file of a program that holds its flags and wiring.
  private func isEntrance(_ source: SwiftSource) -> Bool {
    isTool(source) && (!isDaemon(source) || source.path.split(separator: "/").count == 3)
  }

  var findings: [String] {
    homeless + imports + names + bans + sizes + headers
  }

  /// Files of the library that are in no room.
  var homeless: [String] {
    sources.filter { room(of: $0) == nil && !isTool($0) }.map { "\($0.path):1: is in no room" }
  }

  var imports: [String] {
    sources.flatMap { source in
      let allowed =
        room(of: source)?.imports ?? (isDaemon(source) ? Self.daemonImports : ["ArgumentParser", "GibseyKit"])
      return source.imports.filter { !allowed.contains($0.module) }
        .map { "\(source.path):\($0.line): imports \($0.module)" }
    }
  }

  /// A room that names a type of a room that it may not know, or a word that it may not use.
  var names: [String] {
    var owner: [String: String] = [:]
    var own: [String: Set<String>] = [:]
    for source in sources {
      guard let room = room(of: source) else { continue }
      for type in source.declaredTypes(topLevel: true) { owner[type] = room.name }
      own[room.name, default: []].formUnion(source.declaredTypes(topLevel: false))
    }
    return sources.flatMap { source -> [String] in
      guard let room = room(of: source) else { return [] }
      return source.words.compactMap { word -> String? in
        let name = String(word.text)
        if let reason = room.forbidden[name], own[room.name]?.contains(name) != true {
          return "\(source.path):\(word.line): \(name): \(reason)"
        }
        guard !word.isMember, own[room.name]?.contains(name) != true, let other = owner[name],
          !room.rooms.contains(other)
        else { return nil }
        return "\(source.path):\(word.line): \(room.name) names \(name) of \(other)"
      }
    }
  }

  var bans: [String] {
    sources.flatMap { source in
      Ban.all.flatMap { ban -> [String] in
        let isAllowed = Ban.exceptions.contains {
          $0.path == source.path && $0.reason == ban.reason
        }
        let isElsewhere = !ban.rooms.isEmpty && room(of: source).map { ban.rooms.contains($0.name) } != true
        guard !isAllowed, !isElsewhere else { return [] }
        return ban.lines(in: source).map { "\(source.path):\($0): \(ban.reason)" }
      }
    }
  }

  var sizes: [String] {
    var findings: [String] = []
    for source in sources {
      let limit = isEntrance(source) ? Self.toolLimitLines : Self.fileLimitLines
      let count = source.lines.count - 1
      if count > limit { findings.append("\(source.path):1: \(count) lines, at most \(limit)") }
      findings += source.functions.filter { $0.length > Self.functionLimitLines }
        .map { "\(source.path):\($0.line): a function of \($0.length) lines" }
    }
    let tools = Dictionary(grouping: sources.filter(isEntrance)) { $0.path.split(separator: "/")[1] }
    for (tool, files) in tools.sorted(by: { $0.key < $1.key }) where files.count > 1 {
      findings.append("Sources/\(tool):1: \(files.count) files, a tool is one")
    }
    return findings
  }

  /// The first line of a file says in a sentence what the file is.
  var headers: [String] {
    sources.filter { !$0.text.hasPrefix("// ") }.map { "\($0.path):1: has no header" }
  }
}
