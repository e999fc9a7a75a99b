// What went wrong, in plain words. They stand beside a character's words, never among them.

const failures = {
  BAD_REQUEST: "The server did not understand this question.",
  BUDGET_TOO_SMALL: "This question is too long. A shorter one will do.",
  BUSY: "Many questions are waiting already.",
  DATABASE_BUSY: "The book is being written to just now.",
  DATABASE_FAILED: "The server cannot read its book.",
  EMPTY_ANSWER: "No answer came.",
  FALSE_CITATION: "The answer named a page that does not say so.",
  INTERNAL_ERROR: "Something went wrong in the server.",
  INTERRUPTED: "The server stopped before the answer was whole.",
  MODEL_NOT_FOUND: "The language model is not there.",
  NO_EMBEDDING_MODEL: "The server cannot search its book: a model is missing.",
  NO_PROVIDER: "No language model can answer just now.",
  PROMPT_CUT: "The language model did not read all of its pages, so the answer was stopped.",
  PROMPT_TOO_LONG: "That is more than the language model can read at once.",
  PROVIDER_FAILED: "The language model failed.",
  PROVIDER_KEY_REFUSED: "The language model does not accept the server's key.",
  PROVIDER_REFUSED: "The language model declined to answer this.",
  PROVIDER_TIMEOUT: "The language model was silent for too long.",
  PROVIDER_UNREACHABLE: "The language model cannot be reached.",
  QUOTA_EXHAUSTED: "The server has used up what it may ask of its language model.",
  RATE_LIMITED: "The language model is asked too often.",
  REQUEST_REFUSED: "The language model did not take the request.",
  SHUTTING_DOWN: "The server is closing.",
  STREAM_CUT: "The answer broke off here.",
  UNKNOWN_CHARACTER: "Nobody of that name is in this book any more.",
  UNKNOWN_PAGE: "There is no such page in this book.",
  UNKNOWN_RESPONSE: "The server does not know this answer any more.",
};

/** One or two sentences for an `error` record; its own message where the code is new. */
export function failureWords({ code, message, retry_after_ms: wait }) {
  const sentence = failures[code] ?? message ?? "Something went wrong.";
  if (!(wait > 0)) return sentence;
  const seconds = Math.ceil(wait / 1000);
  return `${sentence} Try again in ${seconds === 1 ? "a second" : `${seconds} seconds`}.`;
}

/** A sentence for a `provider_switched` record. */
export function switchWords({ from, to, after_seq: after }) {
  return after >= 0
    ? `From here on ${to} answers instead of ${from}.`
    : `${to} answers, because ${from} could not.`;
}

/** How an answer ended, where that is worth saying. */
export function endWords(reason) {
  switch (reason) {
    case "length": return "The answer ends here because it reached its limit.";
    case "cancelled": return "You stopped the answer here.";
    case "interrupted": return "The answer was not finished.";
    case "running": return "This answer is being made just now, for another page or program of yours.";
    case "failed": return "No whole answer came.";
    default: return null;
  }
}

/** What is to be said of a cited page, beside its number. */
export function citationWords({ in_prompt: wasRead, quote, verified }) {
  if (!wasRead) return "not among the pages that were looked at";
  if (quote && verified === false) return "these words are not on it";
  if (quote && verified) return "word for word";
  return "";
}

export const leafWords = {
  gated: (page) => `This page is not for you yet: you have read to page ${page}.`,
  removed: "This page is no longer in the book.",
  unreachable: "The page did not come: the server cannot be reached.",
  failed: "The page did not come.",
};
