// Labels of ids that hold brackets themselves, found while an answer comes.

/// Holds a text from a bracket on for as long as it may still become a label of the ids of the prompt, and decides for the longest
/// one that fits. A value: scalars in, decisions out; where the text was cut makes no difference.
///
/// It is at rest where no id holds a bracket: then a label ends at the first one that closes. What it knows of a label is what
/// `CitedPages` knows: one id or several of them, then perhaps a remark without brackets.
struct BracketedLabels: Sendable {
  /// What becomes of a scalar.
  enum Decision {
    /// It is nothing to this.
    case passed
    case held
    /// A label; and what was held behind it, to be looked at again.
    case label(Label, rest: ArraySlice<Unicode.Scalar>)
    /// The bracket begins none; what was held behind it is to be looked at again.
    case bracket(rest: ArraySlice<Unicode.Scalar>)
  }

  struct Label: Equatable {
    let ids: [String]
    /// What follows the ids.
    let remark: String
    let scalarCount: Int
  }

  /// What a label may say for a page.
  private struct Form: Sendable {
    let id: String
    let scalars: [Unicode.Scalar]
    let hasBracket: Bool
  }

  private enum Phase: Hashable {
    /// Before "page", or so far in it.
    case word(Int)
    /// Where an id may begin.
    case start
    case form(Int, offset: Int)
    case after
    /// So far in "and".
    case and(Int)
    case remark
  }

  private struct State {
    var phase: Phase
    var ids: [String] = []
    var hasBracket = false
    var remarkStart = 0
  }

  private static let page = Array("page".unicodeScalars)
  private static let and = Array("and".unicodeScalars)
  /// No more ways to read a text are followed: ids of a story have few.
  private static let stateLimit = 256

  private let forms: [Form]
  private let holdLimit: Int
  private var held: [Unicode.Scalar] = []
  private var states: [State] = []
  private var best: Label?

  /// - Parameter ids: of the pages in the prompt.
  init(ids: [String]) {
    guard ids.contains(where: { $0.utf8.contains { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") } }) else {
      (forms, holdLimit) = ([], 0)
      return
    }
    // Whoever reads an id that holds a label as that id would take two pages for one.
    let said = ids.filter { !PageBlock.holdsLabel($0) }.map { (id: $0, text: $0) }
    forms = (said + ids.map { (id: $0, text: PageBlock.shown($0)) }).compactMap { id, text in
      let scalars = Array(String(PageText.trimmed(text[...])).unicodeScalars)
      return scalars.isEmpty
        ? nil : Form(id: id, scalars: scalars, hasBracket: scalars.contains { "[]".unicodeScalars.contains($0) })
    }
    holdLimit = CitationScanner.labelLimitBytes + (forms.map(\.scalars.count).max() ?? 0)
  }

  /// Whether nothing is held.
  var isEmpty: Bool { held.isEmpty }

  mutating func take(_ scalar: Unicode.Scalar) -> Decision {
    guard !held.isEmpty else {
      guard scalar == "[", !forms.isEmpty else { return .passed }
      held = [scalar]
      states = [State(phase: .word(0))]
      return .held
    }
    held.append(scalar)
    var next: [State] = []
    var known: Set<Phase> = []
    for state in states {
      for state in following(state, scalar) where next.count < Self.stateLimit && known.insert(state.phase).inserted {
        next.append(state)
      }
    }
    states = next
    return states.isEmpty || held.count >= holdLimit ? decision() ?? .held : .held
  }

  /// Decides about what is held with what came of it; nil when nothing is.
  mutating func decision() -> Decision? {
    guard !held.isEmpty else { return nil }
    defer { (held, states, best) = ([], [], nil) }
    guard let best else { return .bracket(rest: held.dropFirst()) }
    return .label(best, rest: held.dropFirst(best.scalarCount))
  }

  /// What a state may become with the next scalar; a label that ends here is written down.
  private mutating func following(_ state: State, _ scalar: Unicode.Scalar) -> [State] {
    var state = state
    let isSpace = scalar.properties.isWhitespace
    switch state.phase {
    case .word(let count):
      if count == Self.page.count {
        if scalar == "s" || scalar == "S" { return [state] }
        state.phase = .start
        return isSpace || scalar == ":" ? [state] : []
      }
      if count == 0, isSpace { return [state] }
      state.phase = .word(count + 1)
      return scalar.properties.lowercaseMapping == String(Self.page[count]) ? [state] : []
    case .start:
      return (isSpace || scalar == ":" ? [state] : []) + forms.indices.flatMap { entering($0, 0, state, scalar) }
    case .form(let index, let offset):
      return entering(index, offset, state, scalar)
    case .after:
      return behind(state, scalar, isSpace)
    case .and(let count):
      state.phase = count < Self.and.count ? .and(count + 1) : .start
      return (count < Self.and.count ? scalar == Self.and[count] : isSpace) ? [state] : []
    case .remark:
      if scalar == "]" { end(state, remark: held[state.remarkStart..<held.count - 1]) }
      return scalar == "[" || scalar == "]" ? [] : [state]
    }
  }

  private func entering(_ index: Int, _ offset: Int, _ state: State, _ scalar: Unicode.Scalar) -> [State] {
    let form = forms[index]
    let isSpace = scalar.properties.isWhitespace && form.scalars[offset].properties.isWhitespace
    guard form.scalars[offset] == scalar || isSpace else { return [] }
    var state = state
    state.phase = .form(index, offset: offset + 1)
    guard offset + 1 == form.scalars.count else { return [state] }
    if !state.ids.contains(where: { $0.spelling == form.id.spelling }) { state.ids.append(form.id) }
    state.hasBracket = state.hasBracket || form.hasBracket
    state.phase = .after
    return [state]
  }

  /// Behind an id: the end, another id, or a remark.
  private mutating func behind(_ state: State, _ scalar: Unicode.Scalar, _ isSpace: Bool) -> [State] {
    if scalar == "]" {
      end(state, remark: [])
      return []
    }
    var next: [State] = []
    var state = state
    if isSpace { next.append(state) }
    let isParted = held.count > 1 && held[held.count - 2].properties.isWhitespace
    if ",;&".unicodeScalars.contains(scalar) {
      state.phase = .start
      next.append(state)
    } else if scalar == "a", isParted {
      state.phase = .and(1)
      next.append(state)
    }
    if state.hasBracket, isSpace || ",;&".unicodeScalars.contains(scalar) {
      state.phase = .remark
      state.remarkStart = held.count - 1
      next.append(state)
    }
    return next
  }

  private mutating func end(_ state: State, remark: ArraySlice<Unicode.Scalar>) {
    best = Label(
      ids: state.ids, remark: String(String.UnicodeScalarView(remark)), scalarCount: held.count)
  }
}
