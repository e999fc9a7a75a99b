// The reader's page, from the files that are compiled in. Why it is made so: docs/design/0015-the-readers-page.md.
import GibseyKit
import NIOHTTP1

/// A file of the reader's page, as it is served.
struct PageFile: Sendable {
  let type: String
  let bytes: [UInt8]
  /// As in `"9f86d081884c7d65"`: of these very bytes.
  let tag: String

  private init(_ type: String, _ bytes: [UInt8]) {
    self.type = type
    self.bytes = bytes
    tag = "\"\(SHA256.hexadecimal(of: bytes).prefix(32))\""
  }

  private static func script(_ bytes: [UInt8]) -> PageFile { PageFile("text/javascript; charset=utf-8", bytes) }

  static let index = PageFile("text/html; charset=utf-8", PackageResources.index_html)

  /// What the page asks for below `/test/`, by name.
  static let all: [String: PageFile] = [
    "page.css": PageFile("text/css; charset=utf-8", PackageResources.page_css),
    "icon.svg": PageFile("image/svg+xml", PackageResources.icon_svg),
    "announcer.js": script(PackageResources.announcer_js),
    "bookmark.js": script(PackageResources.bookmark_js),
    "cast.js": script(PackageResources.cast_js),
    "colour.js": script(PackageResources.colour_js),
    "composer.js": script(PackageResources.composer_js),
    "connection.js": script(PackageResources.connection_js),
    "conversation.js": script(PackageResources.conversation_js),
    "door.js": script(PackageResources.door_js),
    "leaf.js": script(PackageResources.leaf_js),
    "library.js": script(PackageResources.library_js),
    "memory.js": script(PackageResources.memory_js),
    "page.js": script(PackageResources.page_js),
    "prose.js": script(PackageResources.prose_js),
    "status.js": script(PackageResources.status_js),
    "thread.js": script(PackageResources.thread_js),
    "welcome.js": script(PackageResources.welcome_js),
    "words.js": script(PackageResources.words_js),
  ]

  /// What the browser lets the page do: load its own files, speak with its own server, and nothing else. No string becomes
  /// markup or a script, whoever wrote it.
  static let policy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].joined(separator: "; ")

  /// The file; 304 for a browser that has it. It may keep it, and asks every time whether it is still the same.
  func response(to request: Request) -> Response {
    var response = Response(type: type, body: .bytes(bytes))
    // RFC 9110 §13.1.2: weak comparison.
    let known = request.headers[canonicalForm: "if-none-match"].map { $0.hasPrefix("W/") ? $0.dropFirst(2) : $0[...] }
    if known.contains(tag[...]) || known.contains("*") {
      response = Response(.notModified, type: type, body: .bytes([]))
      response.headers.remove(name: "content-type")
    }
    return
      response
      .header("etag", tag)
      .header("cache-control", "no-cache")
      .header("content-security-policy", Self.policy)
      .header("referrer-policy", "no-referrer")
      .header("cross-origin-opener-policy", "same-origin")
      .header("cross-origin-resource-policy", "same-origin")
      .header("permissions-policy", "camera=(), geolocation=(), microphone=()")
      .header("x-frame-options", "DENY")
  }
}

extension Route {
  /// The page itself. It needs no token: it asks for one.
  static let page = Route(.GET, "/test", isOpen: true) { request, _ in
    try request.query.allow()
    return PageFile.index.response(to: request)
  }

  static let pageFile = Route(.GET, "/test/{name}", isOpen: true) { request, _ in
    try request.query.allow()
    guard let file = PageFile.all[request.parameter("name")] else { throw Refusal.notFound }
    return file.response(to: request)
  }

  /// The page for a browser; what is here for everybody else.
  static let root = Route(.GET, "/", isOpen: true) { request, _ in
    try request.query.allow()
    if request.accepts("text/html") { return PageFile.index.response(to: request).header("vary", "Accept") }
    return Response.json { writer in
      writer.member("name", "gibsey-serve")
      writer.member("version", Version.text)
      writer.key("routes")
      writer.array(Route.all) { writer, route in writer.value(.string("\(route.method.rawValue) \(route.pattern)")) }
    }.header("vary", "Accept")
  }
}
