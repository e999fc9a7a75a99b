// Command lines as they mostly are, read without ArgumentParser: docs/design/0019-milliseconds-of-starting.md.
public import ArgumentParser

/// The arguments of a process, taken out one flag after the other. Whatever is not plain (a flag that nobody takes, one given
/// twice, a value that is none or begins with a dash, `--help`) is left to ArgumentParser, which knows all rules and
/// explains what is wrong.
public struct PlainArguments {
  /// The command line needs ArgumentParser.
  public struct Unusual: Error {}

  private var rest: [String]

  public init(_ arguments: some Sequence<String>) { rest = Array(arguments) }

  /// Whether the flag is given.
  public mutating func flag(_ name: String, or short: String? = nil) -> Bool {
    guard let place = rest.firstIndex(where: { $0 == name || $0 == short }) else { return false }
    rest.remove(at: place)
    return true
  }

  /// The value of `--name value` or `--name=value`; nil when it is not given.
  /// - Throws: `Unusual`.
  public mutating func value<Value: ExpressibleByArgument>(
    _ name: String, as type: Value.Type = Value.self
  ) throws -> Value? {
    for place in rest.indices where rest[place].hasPrefix(name) {
      let argument = rest[place]
      var text = argument.utf8.dropFirst(name.utf8.count)
      if text.isEmpty {
        guard place + 1 < rest.count, !rest[place + 1].hasPrefix("-") else { throw Unusual() }
        text = rest.remove(at: place + 1).utf8[...]
      } else {
        guard text.first == UInt8(ascii: "="), text.count > 1 else { continue }
        text = text.dropFirst()
      }
      rest.remove(at: place)
      guard let text = String(text), let value = Value(argument: text) else { throw Unusual() }
      return value
    }
    return nil
  }

  /// What is left, when it is one argument at most and no flag.
  /// - Throws: `Unusual`.
  public mutating func last() throws -> String? {
    guard rest.count <= 1, rest.first?.hasPrefix("-") != true else { throw Unusual() }
    return rest.popLast()
  }

  /// Whether everything was taken.
  public var isEmpty: Bool { rest.isEmpty }
}

/// Flags that can be read plainly too.
public protocol PlainlyParsed {
  /// Sets every property: ArgumentParser's wrappers have no value before.
  /// - Throws: `PlainArguments.Unusual`; what `validate` throws.
  init(plain arguments: inout PlainArguments) throws
}
