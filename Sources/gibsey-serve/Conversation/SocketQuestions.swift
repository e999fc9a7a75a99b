// The questions of one socket: which wait for their turn, and which are being answered.
import GibseyKit

/// What a socket was asked and has not answered yet. A value.
struct SocketQuestions {
  /// One that is being answered.
  struct Running {
    let requestID: String?
    /// Nil as long as it has no response.
    var answer: ActiveAnswer?
    var task: Task<Void, Never>?
    /// It is to have no answer: cancelled before there was one.
    var isStopped = false
  }

  /// What was found under the id of a question, the oldest that has it.
  enum Stopped {
    case answer(ActiveAnswer)
    /// It has no response yet, and will be told that it ended.
    case early
    /// It waited for its turn, and does not any more.
    case waiting(ChatRequest)
    /// It is just being put into the queue: to be looked for again when it is there.
    case between
  }

  /// So many are answered side by side, and so many may wait.
  let parallel: Int
  let limit: Int
  private(set) var waiting: [ChatRequest] = []
  /// By their numbers: a later question has a higher one.
  private(set) var running: [Int: Running] = [:]
  private var lastNumber = 0

  init(_ limits: Limits) { (parallel, limit) = (limits.parallel, limits.queue) }

  /// Whether one more would be answered at once.
  var isFree: Bool { running.count < parallel }
  var isEmpty: Bool { waiting.isEmpty && running.isEmpty }

  /// - Throws: `Refusal.queueFull`.
  mutating func add(_ question: ChatRequest) throws {
    guard isFree || waiting.count < limit else { throw Refusal.queueFull }
    waiting.append(question)
  }

  /// The next that is to be answered, which is running from then on.
  mutating func start() -> (number: Int, question: ChatRequest)? {
    guard isFree, !waiting.isEmpty else { return nil }
    let question = waiting.removeFirst()
    lastNumber += 1
    running[lastNumber] = Running(requestID: question.requestID)
    return (lastNumber, question)
  }

  /// It is answered by a task.
  /// - Returns: its answer, should there be one already, and whether it is to have none.
  mutating func note(_ task: Task<Void, Never>, number: Int) -> (early: ActiveAnswer?, isStopped: Bool) {
    running[number]?.task = task
    return (running[number]?.answer, running[number]?.isStopped == true)
  }

  /// It has an answer.
  /// - Returns: the task that makes it, once that is known.
  mutating func note(_ answer: ActiveAnswer, number: Int) -> Task<Void, Never>? {
    running[number]?.answer = answer
    return running[number]?.task
  }

  mutating func finish(_ number: Int) { running[number] = nil }

  /// Takes those away that wait.
  /// - Parameter areStarting: those for whom there is a place are about to be started, and stay.
  mutating func takeWaiting(areStarting: Bool = false) -> [ChatRequest] {
    let taken = waiting.dropFirst(areStarting ? max(0, parallel - running.count) : 0)
    waiting.removeLast(taken.count)
    return Array(taken)
  }

  /// Stops the oldest that has an id, unless its end was told. An answer that is found is not stopped yet.
  /// - Returns: what was found, nil when nothing was, and the task that is to be cancelled.
  mutating func stop(requestID: String) -> (found: Stopped?, task: Task<Void, Never>?) {
    for (number, one) in running.filter({ $0.value.requestID == requestID }).sorted(by: { $0.key < $1.key }) {
      guard let answer = one.answer else {
        running[number]?.isStopped = true
        return (.early, one.task)
      }
      if !answer.isTold { return (.answer(answer), nil) }
    }
    let place = waiting.firstIndex { $0.requestID == requestID }
    return (place.map { .waiting(waiting.remove(at: $0)) }, nil)
  }
}
