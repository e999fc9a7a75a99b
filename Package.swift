// swift-tools-version: 6.2
// One library, four programs, and what they need of C. The rooms of the library are folders; a test polices them.
import PackageDescription

let modern: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
let strict = modern + [.enableUpcomingFeature("MemberImportVisibility")]
// What is awaited runs where its caller does: each of the dozen calls that a token passes through would look twice for another
// executor. Not for tests, whose calls go to threads that may block.
let product = strict + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// A readable file each, compiled in: a program is one file to install.
let characters = [
  "narrator",
  "an-author", "london-fox", "glyph-marrow", "phillip-bafflemint",
  "jacklyn-variance", "oren-progresso", "old-natalie-weissman", "princhetta",
  "cop-e-right", "new-natalie-weissman", "arieol-owlist", "jack-parlance",
  "manny-valentinas", "shamrock-stillman", "todd-fishbone", "the-author",
]

// The reader's page, as it is served. See docs/design/0015-the-readers-page.md.
let pageFiles = [
  "index.html", "page.css", "icon.svg", "announcer.js", "bookmark.js", "cast.js", "colour.js", "composer.js",
  "connection.js", "conversation.js", "door.js", "leaf.js", "library.js", "memory.js", "page.js", "prose.js",
  "status.js", "thread.js", "welcome.js", "words.js",
]

func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }

// At a fixed address: 45,000 places that starting would have to write into are right as they are, which is half a millisecond of
// each run. Not the daemon, which strangers speak to. See docs/design/0019-milliseconds-of-starting.md.
let fixed = LinkerSetting.unsafeFlags(
  ["-Xclang-linker", "-no-pie"], .when(platforms: [.linux], configuration: .release))

func tool(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["GibseyKit", argumentParser], swiftSettings: product, linkerSettings: [fixed])
}

// The daemon's net; nothing else knows it. See docs/design/0014-the-daemons-net.md.
let net = ["NIOCore", "NIOPosix", "NIOHTTP1"].map(nio)

let package = Package(
  name: "gibsey",
  products: [
    .library(name: "GibseyKit", targets: ["GibseyKit"]),
    .executable(name: "gibsey-index", targets: ["gibsey-index"]),
    .executable(name: "gibsey-context", targets: ["gibsey-context"]),
    .executable(name: "gibsey-ask", targets: ["gibsey-ask"]),
    .executable(name: "gibsey-serve", targets: ["gibsey-serve"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    // libsqlite3, linked: every program reads the database or costs 0.3 ms more.
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    // libcurl, opened at its first use: see docs/design/0002-curl-at-first-use.md.
    .target(name: "CCurl"),
    // Vector loops, each for the processors that there are: see docs/design/0009-numbers-of-the-model.md.
    .target(name: "CKernels"),
    // Empty but in builds that look for races.
    .target(name: "CSanitizing"),
    .target(
      name: "GibseyKit",
      dependencies: ["CCurl", "CKernels", "CSanitizing", "CSQLite", argumentParser],
      resources: characters.map { .embedInCode("Prompting/Characters/\($0).md") },
      swiftSettings: product),
    tool("gibsey-index"),
    tool("gibsey-context"),
    tool("gibsey-ask"),
    .executableTarget(
      name: "gibsey-serve", dependencies: ["GibseyKit", argumentParser] + net,
      resources: pageFiles.map { .embedInCode("Page/\($0)") }, swiftSettings: product),
    .testTarget(
      name: "GibseyKitTests", dependencies: ["CKernels", "GibseyKit"],
      exclude: ["Embedding/Reference", "Tokens", "Wires"],
      swiftSettings: strict),
    // Starts programs for tests.
    .target(name: "CSpawn", path: "Tests/CSpawn"),
    .target(name: "TestPrograms", dependencies: ["CSpawn"], path: "Tests/TestPrograms", swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: ["GibseyKit", "TestPrograms", "gibsey-index", "gibsey-context", "gibsey-ask", "gibsey-serve"],
      exclude: ["Transcripts"], swiftSettings: strict),
    // Beside NIOEmbedded the kernel's addresses count as members of a module of NIO's that nobody may import.
    .testTarget(
      name: "ServeTests", dependencies: ["GibseyKit", "TestPrograms", "gibsey-serve", nio("NIOEmbedded")] + net,
      swiftSettings: modern),
  ]
)
