// A question's vector, made ready to be compared with those of pages.
internal import CKernels

/// A vector that those of a coding are compared with. Owns its numbers.
public struct VectorQuery: Sendable {
  private let coding: VectorCoding
  /// (dimensions,)
  private let components: [Float]
  /// The components in whole numbers, as the kernels want them; empty where vectors have twelve bits.
  private let parts: [Int8]
  private let factor: Float
  private let total: Int32

  /// - Parameter components: numbers of the coding's dimensions; of any others all products are 0.
  public init(_ components: [Float], coding: VectorCoding) {
    self.components = components
    self.coding = coding
    guard coding.precision == .int4, components.count == coding.dimensions else {
      (parts, factor, total) = ([], 0, 0)
      return
    }
    var (factor, total): (Float, Int32) = (0, 0)
    let bytes = ckernels_query_bytes(components.count)
    parts = [Int8](unsafeUninitializedCapacity: bytes) { parts, initialized in
      guard let start = parts.baseAddress else { return }
      var query = ckernels_query(dims: 0, parts: UnsafePointer(start), factor: 0, total: 0)
      ckernels_make_query(components, components.count, start, &query)
      (factor, total) = (query.factor, query.total)
      initialized = bytes
    }
    (self.factor, self.total) = (factor, total)
  }

  /// Its product with the vector at `index`. What is not a number counts as 0.
  public func dot(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
    guard !parts.isEmpty else { return dotOfTwelveBits(bytes, at: index) }
    return parts.withUnsafeBufferPointer { parts in
      guard let start = parts.baseAddress else { return 0 }
      var query = ckernels_query(dims: components.count, parts: start, factor: factor, total: total)
      return product(bytes, at: index) { ckernels_dot_int4(&query, $0) }
    }
  }

  private func dotOfTwelveBits(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
    guard coding.precision == .int12, components.count == coding.dimensions else { return 0 }
    return product(bytes, at: index) { ckernels_dot_int12(components, $0, components.count) }
  }

  /// The scale of the vector at `index` times what its components sum up to.
  @inline(__always)
  private func product(
    _ bytes: UnsafeRawBufferPointer, at index: Int, _ sum: (UnsafeRawPointer) -> Float
  ) -> Float {
    let start = index * coding.stride
    guard start + coding.stride <= bytes.count, let base = bytes.baseAddress else { return 0 }
    let scale = Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
    let product = scale * sum(base + start + 4)
    return product.isFinite ? product : 0
  }

  /// The cosine with the nearest of a text's vectors; nil without any.
  public func nearest(_ vectors: UnsafeRawBufferPointer) -> Double? {
    var nearest: Float?
    for index in 0..<vectors.count / coding.stride { nearest = max(nearest ?? -.infinity, dot(vectors, at: index)) }
    return nearest.map(Double.init)
  }
}
