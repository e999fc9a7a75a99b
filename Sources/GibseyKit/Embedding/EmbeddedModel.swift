// The embedder that needs no server: all-MiniLM-L6-v2 from a file, in this process.
internal import CKernels
internal import Glibc
internal import Synchronization

/// A sentence encoder out of one mapped file. A text becomes the mean of its pieces' last rows, at length one.
///
/// The same text gives the same bytes: on any processor, with any number of threads, in any company.
/// Its identity is the mapped file.
public final class EmbeddedModel: Embedder {
  public let fingerprint: EmbeddingFingerprint
  private let file: EmbeddedModelFile
  private let windows: EmbeddingWindows
  private let threads: Int
  private let kernels: ckernels_kind

  /// Opens the file that `make model` writes; some 0.1 ms.
  /// - Parameters:
  ///   - windows: how texts are cut that are too long; windows longer than the model's positions are cut to them.
  ///   - threads: how many texts are encoded at once, at most as many as there are cores.
  /// - Throws: `GibseyError.noEmbeddingModel`, `.badEmbeddingModel`, `.otherEmbeddingModel`, `.cannotRead`.
  public convenience init(path: String, windows: EmbeddingWindows = .standard, threads: Int = .max) throws {
    try self.init(path: path, windows: windows, threads: threads, kernels: ckernels_best())
  }

  /// As above, with a certain kind of kernels; what comes out is the same.
  init(path: String, windows: EmbeddingWindows, threads: Int, kernels: ckernels_kind) throws {
    self.kernels = kernels
    file = try EmbeddedModelFile(path: path)
    let longest = Int(file.encoder.positions)
    self.windows =
      windows.length <= longest
      ? windows : EmbeddingWindows(length: longest, stride: windows.stride, limit: windows.limit)
    self.threads = max(1, min(threads, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    fingerprint = EmbeddingFingerprint(
      model: file.name, revision: file.revision, dimensions: Int(file.encoder.dims),
      windows: self.windows.description, prefix: "")
  }

  /// The ids of the pieces of a text, without marks; at most `limit`.
  public func pieces(of text: String, limit: Int = .max) -> [Int32] { file.wordPiece.pieces(of: text, limit: limit) }

  /// One embedding for each text, in the order of the texts.
  /// - Throws: `CancellationError`; `GibseyError.badEmbeddingModel` when what comes out is no number.
  public func embed(_ texts: [String]) async throws -> [TextEmbedding] {
    let cuts = texts.map(cut)
    let jobs = cuts.enumerated().flatMap { index, cut in cut.ranges.map { (text: index, range: $0) } }
    let runs = jobs.map { cuts[$0.text].ids[$0.range] }
    let vectors = try await encoded(runs)
    var next = 0
    return cuts.map { cut in
      let mine = vectors[next..<next + cut.ranges.count]
      next += cut.ranges.count
      return TextEmbedding(windows: Array(mine), pieces: cut.ranges.map(\.count), isTruncated: cut.isTruncated)
    }
  }

  /// The vector of a question: its first window, here and now, on this thread.
  /// - Throws: `GibseyError.badEmbeddingModel` when what comes out is no number.
  public func embedQuery(_ text: String) throws -> UnitVector {
    let ids = pieces(of: text, limit: windows.length - 2)
    let workspace = Workspace(file.encoder, pieces: ids.count + 2, kernels: kernels)
    return try workspace.vector(of: ids[...], file: file)
  }

  /// A text in pieces, and where its windows are.
  private struct Cut {
    let ids: [Int32]
    let ranges: [Range<Int>]
    let isTruncated: Bool
  }

  private func cut(_ text: String) -> Cut {
    let room = windows.length - 2 + windows.stride * (windows.limit - 1)
    // One more than is read, to know whether there is more.
    let ids = pieces(of: text, limit: room + 1)
    return Cut(
      ids: ids, ranges: windows.ranges(count: min(ids.count, room)), isTruncated: ids.count > room)
  }

  /// The vectors of all runs of pieces, in their order; `threads` tasks take the next one that is left.
  private func encoded(_ runs: [ArraySlice<Int32>]) async throws -> [UnitVector] {
    let queue = EncodingQueue(runs: runs, file: file, kernels: kernels)
    let width = min(threads, runs.count)
    guard width > 1 else { return try await queue.encodeWhatIsLeft().map(\.vector) }
    return try await withThrowingTaskGroup { group in
      for _ in 0..<width { group.addTask { try await queue.encodeWhatIsLeft() } }
      var all: [(index: Int, vector: UnitVector)] = []
      for try await taken in group { all += taken }
      return all.sorted { $0.index < $1.index }.map(\.vector)
    }
  }
}

/// Texts in pieces that wait for a task to encode them. Its identity is the counter that the tasks share.
private final class EncodingQueue: Sendable {
  private let runs: [ArraySlice<Int32>]
  private let file: EmbeddedModelFile
  private let kernels: ckernels_kind
  private let next = Atomic(0)

  init(runs: [ArraySlice<Int32>], file: EmbeddedModelFile, kernels: ckernels_kind) {
    self.runs = runs
    self.kernels = kernels
    self.file = file
  }

  /// Encodes one after the other until none is left; who else does so at the same time encodes the others. Between two,
  /// other tasks have their turn.
  func encodeWhatIsLeft() async throws -> [(index: Int, vector: UnitVector)] {
    let longest = runs.reduce(0) { max($0, $1.count) } + 2
    let workspace = Workspace(file.encoder, pieces: longest, kernels: kernels)
    var taken: [(index: Int, vector: UnitVector)] = []
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < runs.count else { return taken }
      try Task.checkCancellation()
      taken.append((index, try workspace.vector(of: runs[index], file: file)))
      await Task.yield()
    }
  }
}

/// Owns the memory that one thread encodes in.
private struct Workspace: ~Copyable {
  private let memory: UnsafeMutableRawPointer
  private let encoder: ckernels_encoder
  private let kernels: ckernels_table

  /// Room for texts of so many pieces, marks included.
  init(_ encoder: ckernels_encoder, pieces: Int, kernels: ckernels_kind) {
    self.encoder = encoder
    self.kernels = ckernels_of(kernels).pointee
    let size = withUnsafePointer(to: encoder) { ckernels_encoder_workspace($0, pieces) }
    memory = .allocate(byteCount: size, alignment: 64)
  }

  deinit { memory.deallocate() }

  /// The vector of pieces between the two marks.
  func vector(of pieces: ArraySlice<Int32>, file: EmbeddedModelFile) throws -> UnitVector {
    let ids = [file.marks.first] + pieces + [file.marks.last]
    let sum = [Float](unsafeUninitializedCapacity: Int(encoder.dims)) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      withUnsafePointer(to: encoder) { kernels.encode($0, ids, ids.count, memory, start) }
      count = Int(encoder.dims)
    }
    guard let vector = UnitVector(normalizing: sum) else {
      throw GibseyError.badEmbeddingModel(path: file.path, reason: "what comes out of it is no number")
    }
    return vector
  }
}
