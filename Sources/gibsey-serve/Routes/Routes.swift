// All routes. One more is a constant in a file beside this one, and a line here.

extension Route {
  /// In the order in which they are looked through.
  static let all: [Route] = [
    .health,
    .ready,
    .metrics,
    .stats,
    .characters,
    .place,
    .pages,
    .storyPage,
    .search,
    .session,
    .root,
    .page,
    .pageFile,
    .socket,
    .context,
    .ask,
    .broadcast,
    .providers,
    .tryAnswer,
    .models,
    .model,
    .chatCompletions,
  ]
}
