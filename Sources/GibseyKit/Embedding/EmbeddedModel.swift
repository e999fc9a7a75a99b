// The embedder that needs no server: all-MiniLM-L6-v2 from a file, in this process.
internal import CKernels
internal import Glibc
internal import Synchronization

/// A sentence encoder out of one mapped file. A text becomes the mean of its pieces' last rows, at length one.
///
/// The same text gives the same bytes, as a page or as a question: on any processor, with any number of threads, in any company.
/// Its identity is the mapped file.
public final class EmbeddedModel: Embedder {
  public let fingerprint: EmbeddingFingerprint
  let file: EmbeddedModelFile
  private let windows: EmbeddingWindows
  private let threads: Int
  private let kernels: ckernels_kind
  /// What questions are encoded in.
  let memory: EncodingMemory
  /// How many questions there have been.
  private let questions = Atomic(0)

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
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    self.threads = max(1, min(threads, processors))
    memory = EncodingMemory(keptBlocks: max(1, processors))
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
    let runs = cuts.flatMap { cut in
      cut.ranges.map { EncodingRun(ids: cut.ids[$0], bounds: windows.bounds(count: $0.count)) }
    }
    let vectors = try await encoded(runs)
    var next = 0
    return cuts.map { cut in
      let mine = next..<next + cut.ranges.count
      next = mine.upperBound
      return TextEmbedding(
        windows: Array(vectors[mine].joined()), pieces: runs[mine].flatMap(\.pieces), isTruncated: cut.isTruncated)
    }
  }

  /// The vector of a question: its first window, here and now, on this thread; by weights of 8 bits, so that it is not quite the
  /// vector that a page of the same text has, but no farther from it than pages are from what is kept of them.
  ///
  /// The first question of a process reads the weights through a small buffer: to map 11 MB for a single time and to unmap them
  /// again takes longer than to multiply them. Whoever asks again has them mapped.
  /// - Throws: `GibseyError.badEmbeddingModel` when what comes out is no number, `.cannotRead`.
  public func embedQuery(_ text: String) throws -> UnitVector {
    let ids = pieces(of: text, limit: windows.length - 2)
    let source: ckernels_source =
      switch questions.wrappingAdd(1, ordering: .relaxed).oldValue {
      case 0 where ids.count + 2 <= CKERNELS_BLOCK: ckernels_read
      case 0, 1: ckernels_mapped
      default: ckernels_near
      }
    let workspace = Workspace(
      file.questionEncoder(by: source), pieces: ids.count + 2, kernels: kernels, memory: memory)
    let whole = EncodingRun(ids: ids[...], bounds: [0, UInt32(ids.count + 2)])
    return try workspace.vectors(of: whole, file: file)[0]
  }

  /// Maps the rows of words, for whoever will compare many.
  func bringWordsNear() { file.bringWordsNear() }

  /// Makes sure that the weights are those that were written: what damaged ones make looks like any other vector.
  /// - Throws: `GibseyError.badEmbeddingModel`.
  func checkWhole() throws { try file.checkWhole() }

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

  /// The vectors of all runs of pieces, in their order; `threads` threads take the next one that is left, the task's own among
  /// them. Of the others there are as many as the system gives: all would be done without them.
  private func encoded(_ runs: [EncodingRun]) async throws -> [[UnitVector]] {
    let queue = EncodingQueue(runs: runs, file: file, kernels: kernels)
    let helpers = (1..<max(1, min(threads, runs.count))).compactMap { _ in
      try? Pending { try queue.encodeWhatIsLeft() }
    }
    return try await withTaskCancellationHandler {
      var all = try await queue.encodeWhatIsLeftInTurns()
      for helper in helpers { all += try await helper.awaited() }
      try Task.checkCancellation()
      return all.sorted { $0.index < $1.index }.map(\.vectors)
    } onCancel: {
      queue.stop()
    }
  }
}

/// What the model reads at once, and the parts of it that get a vector.
private struct EncodingRun {
  let ids: ArraySlice<Int32>
  /// Where the parts begin and end, the mark before the first piece counted.
  let bounds: [UInt32]

  /// Pieces of each part; those of a run that is one part, without its marks.
  var pieces: [Int] { bounds.count == 2 ? [ids.count] : zip(bounds, bounds.dropFirst()).map { Int($1 - $0) } }
}

/// Texts in pieces that wait for a thread to encode them. Its identity is the counter that the threads share.
private final class EncodingQueue: Sendable {
  typealias Encoded = (index: Int, vectors: [UnitVector])

  private let runs: [EncodingRun]
  private let file: EmbeddedModelFile
  private let kernels: ckernels_kind
  private let next = Atomic(0)

  init(runs: [EncodingRun], file: EmbeddedModelFile, kernels: ckernels_kind) {
    self.runs = runs
    self.kernels = kernels
    self.file = file
  }

  /// Leaves nothing to encode.
  func stop() { next.store(runs.count, ordering: .relaxed) }

  /// Encodes one after the other until none is left; who else does so at the same time encodes the others.
  func encodeWhatIsLeft() throws -> [Encoded] {
    let workspace = workspace()
    var taken: [Encoded] = []
    while let encoded = try encodeNext(in: workspace) { taken.append(encoded) }
    return taken
  }

  /// The same; between two, other tasks have their turn.
  func encodeWhatIsLeftInTurns() async throws -> [Encoded] {
    let workspace = workspace()
    var taken: [Encoded] = []
    while let encoded = try encodeNext(in: workspace) {
      taken.append(encoded)
      await Task.yield()
    }
    return taken
  }

  private func workspace() -> Workspace {
    Workspace(
      file.encoder, pieces: runs.reduce(0) { max($0, $1.ids.count) } + 2, kernels: kernels,
      memory: EncodingMemory(keptBlocks: 0))
  }

  /// Nil when none is left.
  private func encodeNext(in workspace: borrowing Workspace) throws -> Encoded? {
    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
    return index < runs.count ? (index, try workspace.vectors(of: runs[index], file: file)) : nil
  }
}

/// Has the memory that one thread encodes in.
private struct Workspace: ~Copyable {
  private let lender: EncodingMemory
  private let block: EncodingMemory.Block
  private let encoder: ckernels_encoder
  private let kernels: ckernels_table

  /// Room for texts of so many pieces, marks included.
  init(_ encoder: ckernels_encoder, pieces: Int, kernels: ckernels_kind, memory lender: EncodingMemory) {
    self.lender = lender
    self.encoder = encoder
    self.kernels = ckernels_of(kernels).pointee
    let size = withUnsafePointer(to: encoder) { ckernels_encoder_workspace($0, pieces) }
    block = lender.lend(size)
  }

  deinit { lender.takeBack(block) }

  /// The vector of each part of a run.
  func vectors(of run: EncodingRun, file: EmbeddedModelFile) throws -> [UnitVector] {
    let ids = [file.marks.first] + run.ids + [file.marks.last]
    let dims = Int(encoder.dims)
    let parts = run.bounds.count - 1
    var failure: CInt = 0
    let sums = [Float](unsafeUninitializedCapacity: parts * dims) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      failure = withUnsafePointer(to: encoder) {
        kernels.encode($0, ids, ids.count, block.start, run.bounds, parts, start)
      }
      count = parts * dims
    }
    guard failure == 0 else { throw GibseyError.cannotRead(path: file.path, reason: SystemCall.reason(failure)) }
    return try (0..<parts).map { part in
      guard let vector = UnitVector(normalizing: Array(sums[part * dims..<(part + 1) * dims])) else {
        throw GibseyError.badEmbeddingModel(path: file.path, reason: "what comes out of it is no number")
      }
      return vector
    }
  }
}
