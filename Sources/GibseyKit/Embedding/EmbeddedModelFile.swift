// The file of the embedded model, mapped into memory and checked. Scripts/convert-model.py writes it and says what is in it.
internal import CKernels
internal import Glibc

/// A model's file, mapped: nothing is read before it is used, and what is read is shared by all processes.
///
/// Its identity is the mapping, which ends with it, and so does the descriptor beside it. The bytes are never written, so any thread
/// may read them; from the descriptor they are read at places that are named, and it has no position of its own that moves.
///
/// Unchecked because pointers are not Sendable: these point into a mapping that nobody can write (PROT_READ) and only `deinit` ends.
final class EmbeddedModelFile: @unchecked Sendable {  // a mapping that is only read, until deinit
  /// The bytes of the header of each version, first of version 1.
  static let headerBytes = [256, 320]
  private static let magic = Array("gibseyEM".utf8)
  private static let checksum = 136..<168

  let path: String
  /// As in `all-minilm-l6-v2`.
  let name: String
  /// The first twelve hexadecimal digits of the SHA-256 of the weights that it was made of.
  let revision: String
  /// As texts are encoded that are kept: by weights of 16 bits.
  let encoder: ckernels_encoder
  let wordPiece: WordPiece
  /// The ids of [CLS] and [SEP].
  let marks: (first: Int32, last: Int32)
  /// As questions are encoded: by weights of 8 bits, where the file has them.
  private let questionEncoder: ckernels_encoder
  private let bytes: UnsafeRawBufferPointer
  private let descriptor: CInt

  /// Maps and checks the file: its length, its version, its shape, and that no scale or bias is NaN. Some 0.1 ms.
  /// - Throws: `GibseyError.noEmbeddingModel`, `.badEmbeddingModel`, `.otherEmbeddingModel`, `.cannotRead`.
  init(path: String) throws {
    let (bytes, descriptor) = try Self.mapped(path)
    do {
      let header = try EmbeddedModelHeader(bytes, path: path)
      encoder = header.encoder
      questionEncoder = header.questionEncoder
      wordPiece = header.wordPiece
      marks = header.marks
      name = header.name
      revision = header.revision
      let vectors = UnsafeBufferPointer(
        start: header.encoder.vectors, count: withUnsafePointer(to: header.encoder, ckernels_encoder_vector_count))
      let smallScales = UnsafeBufferPointer(
        start: header.questionEncoder.small_scales,
        count: header.questionEncoder.small_scales == nil
          ? 0 : withUnsafePointer(to: header.encoder, ckernels_encoder_channel_count))
      guard vectors.allSatisfy(\.isFinite), smallScales.allSatisfy(\.isFinite) else {
        throw GibseyError.badEmbeddingModel(path: path, reason: "there are numbers in it that are none (NaN)")
      }
    } catch {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
      close(descriptor)
      throw error
    }
    self.path = path
    self.bytes = bytes
    self.descriptor = descriptor
  }

  /// Maps the rows by which single words are compared all at once, instead of a few at each fault: 6 MB.
  func bringWordsNear() {
    guard let rows = encoder.near_words, let start = bytes.baseAddress else { return }
    let page = sysconf(Int32(_SC_PAGESIZE))
    let place = (UnsafeRawPointer(rows) - start) / page * page
    let end = UnsafeRawPointer(rows) - start + Int(encoder.vocabulary) * (4 + Int(encoder.dims) / 2)
    // Not every kernel can; then they come one by one.
    madvise(UnsafeMutableRawPointer(mutating: start + place), end - place, MADV_POPULATE_READ)
  }

  /// The encoder of questions, its weights come by in a certain way.
  func questionEncoder(by source: ckernels_source) -> ckernels_encoder {
    var encoder = questionEncoder
    encoder.source = source
    encoder.file = descriptor
    encoder.start = UnsafeRawPointer(bytes.baseAddress)
    return encoder
  }

  /// Reads all of it and compares it with its checksum, of everything behind the header: some 0.2 s.
  /// - Throws: `GibseyError.badEmbeddingModel`.
  func checkWhole() throws {
    let header = Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    let body = UnsafeRawBufferPointer(rebasing: bytes[header...]).bindMemory(to: UInt8.self)
    guard SHA256.digest(of: body).elementsEqual(bytes[Self.checksum]) else {
      throw GibseyError.badEmbeddingModel(path: path, reason: "it is damaged: its checksum is another")
    }
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    close(descriptor)
  }

  /// The file's bytes, and the file itself, open.
  private static func mapped(_ path: String) throws -> (UnsafeRawBufferPointer, CInt) {
    // A named pipe without a writer would block the opening of it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw GibseyError.noEmbeddingModel(path: path) }
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw GibseyError.badEmbeddingModel(path: path, reason: "it is no regular file")
    }
    let count = Int(status.st_size)
    guard count >= headerBytes[0] else {
      throw GibseyError.badEmbeddingModel(path: path, reason: "it is cut short: \(count) bytes")
    }
    let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let start, start != MAP_FAILED else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    guard memcmp(start, magic, magic.count) == 0 else {
      munmap(start, count)
      throw GibseyError.badEmbeddingModel(path: path, reason: "it is another kind of file")
    }
    isKept = true
    return (UnsafeRawBufferPointer(start: start, count: count), descriptor)
  }
}

/// What the header says, checked against the length of the file: every section lies inside of it.
struct EmbeddedModelHeader {
  let name: String
  let revision: String
  let encoder: ckernels_encoder
  /// The same, with the weights of 8 bits where the file has them.
  let questionEncoder: ckernels_encoder
  let wordPiece: WordPiece
  let marks: (first: Int32, last: Int32)

  /// - Parameter bytes: the whole file, at least as long as the first version's header.
  init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
    func number(_ place: Int) -> Int { Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)) }
    func bad(_ reason: String) -> GibseyError { .badEmbeddingModel(path: path, reason: reason) }
    let version = try Self.version(of: bytes, path: path)
    let length = UInt64(bytes.count)
    func section<Element>(_ index: Int, _ count: Int, of type: Element.Type) throws -> UnsafeBufferPointer<Element> {
      let place = bytes.loadUnaligned(fromByteOffset: 168 + 8 * index, as: UInt64.self)
      let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
      guard !overflow, place % 64 == 0, place <= length, UInt64(size) <= length - place else {
        throw bad("section \(index) is not inside of it")
      }
      return UnsafeBufferPointer(rebasing: bytes[Int(place)..<Int(place) + size].bindMemory(to: type)[...])
    }
    let vocabulary = number(44)
    var shape = try ckernels_encoder(
      dims: UInt32(number(24)), layers: UInt32(number(28)), heads: UInt32(number(32)), inner: UInt32(number(36)),
      positions: UInt32(number(40)), vocabulary: UInt32(vocabulary),
      epsilon: bytes.loadUnaligned(fromByteOffset: 68, as: Float.self),
      words: start(section(0, 0, of: Int16.self)), word_scales: start(section(1, 0, of: Float.self)),
      position_rows: start(section(2, 0, of: Float.self)), vectors: start(section(3, 0, of: Float.self)),
      weights: start(section(4, 0, of: Int16.self)), near_words: nil, small_weights: nil, small_scales: nil,
      small_totals: nil, source: ckernels_mapped, file: -1, start: nil)
    guard ckernels_encoder_can_run(&shape) != 0, vocabulary > 0, shape.epsilon.isFinite else {
      throw bad("its shape is none that can be run")
    }
    let dims = Int(shape.dims)
    _ = try section(0, vocabulary * dims, of: Int16.self)
    _ = try section(1, vocabulary, of: Float.self)
    _ = try section(2, Int(shape.positions) * dims, of: Float.self)
    _ = try section(3, ckernels_encoder_vector_count(&shape), of: Float.self)
    _ = try section(4, ckernels_encoder_weight_count(&shape), of: Int16.self)
    // A file from before there was this section has nothing there: then words are compared in full.
    if bytes.loadUnaligned(fromByteOffset: 168 + 8 * 10, as: UInt64.self) > 0 {
      shape.near_words = try start(section(10, vocabulary * (4 + dims / 2), of: UInt8.self))
    }
    encoder = shape
    if version > 1 {
      let channels = ckernels_encoder_channel_count(&shape)
      shape.small_weights = try start(section(11, ckernels_encoder_weight_count(&shape), of: Int8.self))
      shape.small_scales = try start(section(12, channels, of: Float.self))
      shape.small_totals = try start(section(13, channels, of: Int32.self))
    }
    questionEncoder = shape
    let slotCount = number(52)
    guard slotCount > 0, slotCount & (slotCount - 1) == 0, number(56) < vocabulary, number(60) < vocabulary,
      number(64) < vocabulary
    else { throw bad("its words are out of order") }
    let places = try section(6, vocabulary + 1, of: UInt32.self)
    let characterStart = bytes.loadUnaligned(fromByteOffset: 168 + 8 * 9, as: UInt64.self)
    guard characterStart <= length else { throw bad("section 9 is not inside of it") }
    wordPiece = try WordPiece(
      slots: section(5, slotCount, of: UInt32.self), places: places,
      pieceBytes: section(7, Int(places[vocabulary]), of: UInt8.self),
      blocks: section(8, WordPiece.blockCount, of: UInt16.self),
      characters: section(9, Int(length - characterStart) / 4, of: UInt32.self), unknown: Int32(number(56)))
    marks = (Int32(number(60)), Int32(number(64)))
    name = String(decoding: bytes[72..<104].prefix { $0 != 0 }, as: UTF8.self)
    revision = Hexadecimal.text(of: Array(bytes[104..<110]))
  }
}

extension EmbeddedModelHeader {
  /// The version of the file, which has one that is known, is whole, and has that version's header.
  private static func version(of bytes: UnsafeRawBufferPointer, path: String) throws -> Int {
    let version = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    let lengths = EmbeddedModelFile.headerBytes
    guard (1...lengths.count).contains(version) else {
      throw GibseyError.otherEmbeddingModel(path: path, version: version, supported: lengths.count)
    }
    let length = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    guard length == UInt64(bytes.count) else {
      throw GibseyError.badEmbeddingModel(path: path, reason: "it is cut short: \(bytes.count) of \(length) bytes")
    }
    let header = Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    guard header == lengths[version - 1], bytes.count >= header else {
      throw GibseyError.badEmbeddingModel(path: path, reason: "its header has another length")
    }
    return version
  }
}

/// Where a section starts; a section of the file always starts somewhere.
private func start<Element>(_ section: UnsafeBufferPointer<Element>) throws -> UnsafePointer<Element> {
  guard let start = section.baseAddress else { throw GibseyError.ourBug("a section without a place") }
  return start
}
