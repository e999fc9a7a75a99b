// A model file of some kilobytes, made here: what is to be refused or compared needs no real weights.
import CKernels
import Foundation

@testable import GibseyKit

/// The bytes of a model file with seeded weights: 64 dims, 2 heads, 2 layers, 64 positions, and a handful of pieces.
struct TinyModel {
  static let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "ab", "##a", "##b", "##ab", "é", "中", "!"]
  static let dims = 64

  var bytes: [UInt8]
  /// Where the sections begin, in the order of the file.
  let places: [Int]

  /// - Parameters:
  ///   - hasNearWords: whether there is the section that files from before it do not have.
  ///   - hasSmallWeights: whether it is of version 2.
  init(seed: UInt64 = 1, hasNearWords: Bool = false, hasSmallWeights: Bool = false) {
    var generator = SeededGenerator(seed: seed)
    var shape = ckernels_encoder.shape(dims: 64, layers: 2, heads: 2, inner: 128, positions: 64, vocabulary: 13)
    let dims = Self.dims
    func floats(_ count: Int, _ range: ClosedRange<Float>) -> [UInt8] {
      (0..<count).flatMap { _ in Self.bytes(of: Float.random(in: range, using: &generator)) }
    }
    func wholes(_ count: Int, _ limit: Int16) -> [UInt8] {
      (0..<count).flatMap { _ in Self.bytes(of: Int16.random(in: -limit...limit, using: &generator)) }
    }
    let (slots, pieceBytes, piecePlaces) = Self.vocabulary()
    let words = wholes(Self.pieces.count * dims, 32767)
    let scales = floats(Self.pieces.count, 0.00001...0.00003)
    var sections: [[UInt8]] = [
      words, scales, floats(64 * dims, -0.2...0.2), floats(ckernels_encoder_vector_count(&shape), 0.0001...0.001),
      wholes(ckernels_encoder_weight_count(&shape), 4095), slots, piecePlaces, pieceBytes,
      [UInt16](repeating: 0, count: 4352).enumerated().flatMap { Self.bytes(of: UInt16($0.offset < 1 ? 0 : 1)) },
      Self.characters(),
    ]
    if hasNearWords || hasSmallWeights { sections.append(Self.nearWords(words, scales)) }
    if hasSmallWeights { sections += Self.smallWeights(sections[4], sections[3]) }
    let start = hasSmallWeights ? 320 : 256
    var body: [UInt8] = []
    var places: [Int] = []
    for section in sections {
      body += [UInt8](repeating: 0, count: (64 - body.count % 64) % 64)
      places.append(start + body.count)
      body += section
    }
    let shapeNumbers: [UInt32] = [64, 2, 2, 128, 64, 13, 32, 64, 1, 2, 3]
    var header = Array("gibseyEM".utf8) + Self.bytes(of: UInt32(hasSmallWeights ? 2 : 1))
    header += Self.bytes(of: UInt32(start)) + Self.bytes(of: UInt64(start + body.count))
    header += shapeNumbers.flatMap { Self.bytes(of: $0) } + Self.bytes(of: Float(1e-12))
    header += Array("tiny".utf8) + [UInt8](repeating: 0, count: 28) + [UInt8](repeating: 0xAB, count: 32)
    header += SHA256.digest(of: body)
    header += places.flatMap { Self.bytes(of: UInt64($0)) }
    bytes = header + [UInt8](repeating: 0, count: start - header.count) + body
    self.places = places
  }

  /// Has `body` use the file of a model, which is gone then.
  static func with<Result>(_ model: TinyModel, _ body: (String) async throws -> Result) async throws -> Result {
    let path = try model.write()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
  }

  /// Writes the bytes to a new file; returns its path.
  func write() throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "tiny-\(UUID().uuidString).gibsey").path
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  static func bytes<Number>(of number: Number) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

  /// The words in four bits, as Scripts/convert-model.py makes them.
  private static func nearWords(_ words: [UInt8], _ scales: [UInt8]) -> [UInt8] {
    pieces.indices.flatMap { piece -> [UInt8] in
      let unit = words.withUnsafeBytes { words in
        scales.withUnsafeBytes { scales in
          let scale = scales.loadUnaligned(fromByteOffset: piece * 4, as: Float.self)
          return (0..<dims).map { place in
            Float(words.loadUnaligned(fromByteOffset: (piece * dims + place) * 2, as: Int16.self)) * scale
          }
        }
      }
      let scale = 2.7 * (unit.reduce(0) { $0 + $1 * $1 } / Float(dims)).squareRoot() / 7.5
      let levels = unit.map { UInt8(min(15, max(0, ($0 / scale + 8).rounded(.down)))) }
      return bytes(of: scale)
        + stride(from: 0, to: dims, by: 32).flatMap { first in
          (0..<16).map { levels[first + $0] | levels[first + 16 + $0] << 4 }
        }
    }
  }

  /// The weights in 8 bits with their scales and totals, made of those in 16 as Scripts/convert-model.py makes them of real ones.
  private static func smallWeights(_ weights: [UInt8], _ vectors: [UInt8]) -> [[UInt8]] {
    let whole = weights.withUnsafeBytes { bytes in
      (0..<bytes.count / 2).map { bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self) }
    }
    let floats = vectors.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
    let inner = 128
    // Channels and inputs of a layer's four products, and where in its vectors their scales are.
    let parts = [
      (3 * dims, dims, 0), (dims, dims, 6 * dims), (inner, dims, 10 * dims), (dims, inner, 10 * dims + 2 * inner),
    ]
    var (small, scales, totals): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    var place = 0
    for layer in 0..<2 {
      for (channels, inputs, scalePlace) in parts {
        var packed = [Int8](repeating: 0, count: channels * inputs)
        for channel in 0..<channels {
          let panel = channel / 16 * 16 * inputs
          let row = (0..<inputs).map { Float(whole[place + panel + ($0 / 2 * 16 + channel % 16) * 2 + $0 % 2]) }
          let top = row.map(abs).max() ?? 0
          let rounded = row.map { Int8(($0 * 127 / top).rounded()) }
          for (input, number) in rounded.enumerated() {
            packed[panel + (input / 4 * 16 + channel % 16) * 4 + input % 4] = number
          }
          let scale = floats[2 * dims + layer * (14 * dims + 2 * inner) + scalePlace + channel]
          scales += bytes(of: top / 127 * scale)
          totals += bytes(of: rounded.reduce(Int32(0)) { $0 + Int32($1) })
        }
        small += packed.map { UInt8(bitPattern: $0) }
        place += channels * inputs
      }
    }
    return [small, scales, totals]
  }

  private static func vocabulary() -> (slots: [UInt8], bytes: [UInt8], places: [UInt8]) {
    var slots = [UInt32](repeating: 0, count: 64)
    var bytes: [UInt8] = []
    var places: [UInt32] = [0]
    for (id, piece) in pieces.enumerated() {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in piece.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & 63
      while slots[slot] != 0 { slot = (slot + 1) & 63 }
      slots[slot] = UInt32(id + 1)
      bytes += Array(piece.utf8)
      places.append(UInt32(bytes.count))
    }
    return (slots.flatMap { Self.bytes(of: $0) }, bytes, places.flatMap { Self.bytes(of: $0) })
  }

  /// Block 0: letters but for the space and "!"; capital letters are small ones. Block 1: every character is a word.
  private static func characters() -> [UInt8] {
    (0..<512).flatMap { (code: UInt32) -> [UInt8] in
      let entry: UInt32 =
        switch code {
        case 0x20: 1 << 24
        case 0x21, 256...: 2 << 24
        case 0x41...0x5A: 3 << 24 | (code + 0x20)
        default: 3 << 24
        }
      return bytes(of: entry)
    }
  }
}

extension ckernels_encoder {
  /// A shape alone; what it points to is never read.
  static func shape(
    dims: UInt32, layers: UInt32, heads: UInt32, inner: UInt32, positions: UInt32, vocabulary: UInt32
  ) -> ckernels_encoder {
    let nowhere = UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    return ckernels_encoder(
      dims: dims, layers: layers, heads: heads, inner: inner, positions: positions, vocabulary: vocabulary,
      epsilon: 0, words: nowhere.assumingMemoryBound(to: Int16.self),
      word_scales: nowhere.assumingMemoryBound(to: Float.self),
      position_rows: nowhere.assumingMemoryBound(to: Float.self),
      vectors: nowhere.assumingMemoryBound(to: Float.self), weights: nowhere.assumingMemoryBound(to: Int16.self),
      near_words: nil, small_weights: nil, small_scales: nil, small_totals: nil, source: ckernels_mapped, file: -1,
      start: nil)
  }
}

extension SpelledWords {
  /// The places of all words.
  var all: [Int32] { (0..<Int32(count)).map { $0 } }

  /// A spelling of the model's.
  mutating func append(_ spelling: [Int32], of model: EmbeddedModel) {
    append(spelling, length: model.length(ofSpelling: spelling))
  }
}
