// The turns of one character on the page.

import { citationWords, endWords, failureWords, switchWords } from "./words.js";
import { element, pageName, Prose } from "./prose.js";

/** A question with its answer, drawn. Tokens are gathered and written once a frame. */
class TurnView {
  constructor(turn, { name, onRetry, onPage }) {
    Object.assign(this, { turn, onRetry, onPage });
    this.unwritten = "";
    this.answer = element("div", { className: "answer" });
    this.prose = new Prose(this.answer);
    this.wait = element("p", { className: "wait", hidden: true });
    this.asides = element("div", { className: "asides" });
    this.after = element("div", { className: "after" });
    const page = turn.page ? element("span", { className: "at", text: `at page ${turn.page}` }) : "";
    this.box = element("article", { className: "turn" },
      element("h2", { className: "question" }, element("span", { className: "unseen", text: "You asked: " }),
        element("span", { className: "question-text", text: turn.prompt, dir: "auto" }), " ", page),
      element("div", { className: "said" }, element("p", { className: "speaker", text: name }), this.answer),
      this.wait, this.asides, this.after);
    if (turn.text) this.prose.append(turn.text);
    for (const data of turn.switches) this.aside(switchWords(data));
    this.show(!turn.isOpen ? "ended" : turn.text ? "token" : "asked");
  }

  /** `what` happened to the turn: see Conversation. */
  show(what, detail) {
    if (this.box.dataset.state !== this.turn.state) this.box.dataset.state = this.turn.state;
    switch (what) {
      case "asked": return this.waiting("Looking through the pages");
      case "token":
        this.waiting("");
        this.unwritten += detail ?? "";
        return;
      case "stopping": return this.waiting("Stopping");
      case "away": return this.waiting("The connection is lost. The answer goes on when it is back.");
      case "queued": return this.waiting("Waiting for the answer before");
      case "begun": return this.waiting(this.turn.text ? "" : "Looking through the pages");
      case "switched": return this.aside(switchWords(detail));
      case "ended": return this.end();
    }
  }

  waiting(words) {
    if (this.wait.textContent === words) return;
    this.wait.textContent = words;
    this.wait.hidden = words === "";
  }

  /** Puts on the page what came since the last frame; true when there was anything. */
  write() {
    if (!this.unwritten) return false;
    this.prose.append(this.unwritten);
    this.unwritten = "";
    return true;
  }

  aside(words, isTrouble = false) {
    if (words) this.asides.append(element("p", { className: isTrouble ? "aside trouble" : "aside", text: words }));
  }

  end() {
    this.write();
    this.waiting("");
    const { turn } = this;
    const isGood = turn.state === "whole" && (turn.end === "stop" || turn.end === "length");
    if (turn.failure) this.aside(failureWords(turn.failure), true);
    if (turn.state === "lost") {
      this.aside(turn.text ? "The connection was lost, and the rest of the answer with it."
        : "The connection was lost before an answer came.", true);
    }
    this.aside(endWords(turn.end));
    this.prose.link(turn.citations.map((citation) => citation.page_id), (id, text) => this.pageButton(id, text));
    if (turn.citations.length) this.after.append(this.sources());
    if (turn.state === "elsewhere") return;
    const again = element("button", {
      type: "button", className: "link again", text: isGood ? "Ask again" : "Try again",
    });
    again.addEventListener("click", () => this.onRetry(turn));
    this.after.append(element("p", { className: "actions" }, again), ...this.colophon());
  }

  pageButton(id, text) {
    const button = element("button", { type: "button", className: "link page-link", text });
    const quotes = this.turn.citations.filter((citation) => citation.page_id === id && citation.quote);
    button.addEventListener("click", () => this.onPage(id, quotes.map((citation) => citation.quote)));
    return button;
  }

  /** The cited pages, each once, with what was quoted of them. */
  sources() {
    const pages = new Map();
    for (const citation of this.turn.citations) {
      pages.set(citation.page_id, [...(pages.get(citation.page_id) ?? []), citation]);
    }
    const items = [...pages].map(([id, citations]) => {
      const item = element("li", { className: citations[0].in_prompt ? "source" : "source doubtful" },
        this.pageButton(id, `Page ${pageName(id)}`));
      for (const citation of citations) {
        const words = citationWords(citation);
        if (citation.quote) item.append(" ", element("q", { text: citation.quote, dir: "auto" }));
        if (words) item.append(" ", element("span", { className: "verdict", text: words }));
      }
      return item;
    });
    return element("ul", { className: "sources", ariaLabel: "Pages that the answer names" }, ...items);
  }

  /** Who made the answer, and in what time, for those who look. */
  colophon() {
    const { made } = this.turn;
    if (!made) return [];
    const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;
    const facts = [
      [made.provider, made.model].filter(Boolean).join(", "),
      made.usage?.completion_tokens !== undefined ? `${made.usage.completion_tokens} tokens` : "",
      made.time_to_first_token_ms !== undefined ? `first word after ${seconds(made.time_to_first_token_ms)}` : "",
      made.duration_ms !== undefined ? `all in ${seconds(made.duration_ms)}` : "",
    ].filter(Boolean);
    if (facts.length === 0) return [];
    return [element("details", { className: "colophon" }, element("summary", { text: "How it was made" }),
      element("p", { text: facts.join(" · ") }))];
  }
}

export class Thread {
  /** `nameOf` gives a character's name; `onRetry(turn)` and `onPage(id, quotes)` hear of buttons. */
  constructor(box, { nameOf, onRetry, onPage, followButton }) {
    Object.assign(this, { box, nameOf, onRetry, onPage, followButton });
    this.views = new Map();
    this.isFollowing = true;
    followButton.addEventListener("click", () => this.follow());
    window.addEventListener("scroll", () => this.look(), { passive: true });
    window.addEventListener("wheel", (event) => event.deltaY < 0 && this.letGo(), { passive: true });
  }

  /** Draws these turns and no others; `fromStart` leaves the reader at the first of them. */
  fill(turns, fromStart = false) {
    this.views.clear();
    this.box.replaceChildren(...turns.map((turn) => this.make(turn).box));
    if (fromStart) document.scrollingElement.scrollTop = 0;
    else this.follow();
  }

  make(turn) {
    const view = new TurnView(turn, { name: this.nameOf(turn.character), onRetry: this.onRetry, onPage: this.onPage });
    this.views.set(turn, view);
    return view;
  }

  add(turn) {
    this.box.append(this.make(turn).box);
    this.follow();
  }

  /** Draws a turn anew that has become another. */
  renew(turn) {
    const old = this.views.get(turn);
    if (!old) return;
    old.box.replaceWith(this.make(turn).box);
    if (this.isFollowing) this.follow();
  }

  remove(turn) {
    this.views.get(turn)?.box.remove();
    this.views.delete(turn);
  }

  show(turn, what, detail) {
    const view = this.views.get(turn);
    if (!view) return;
    view.show(what, detail);
    if (what === "token") this.schedule();
    else if (this.isFollowing) this.follow();
  }

  schedule() {
    // A page that nobody sees draws no frames; what it was sent is written when it ends, or when somebody looks again.
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      for (const view of this.views.values()) view.write();
      if (this.isFollowing) this.follow();
      else this.look();
    });
  }

  get isAtEnd() {
    const page = document.scrollingElement;
    return page.scrollHeight - page.scrollTop - page.clientHeight < 60;
  }

  letGo() {
    this.isFollowing = false;
    this.look();
  }

  look() {
    if (this.isAtEnd) this.isFollowing = true;
    else if (this.lastTop > document.scrollingElement.scrollTop) this.isFollowing = false;
    this.lastTop = document.scrollingElement.scrollTop;
    const isSpeaking = [...this.views.keys()].some((turn) => turn.state === "speaking");
    this.followButton.hidden = this.isFollowing || !isSpeaking;
  }

  /** Keeps the end of the page in sight; at once, since a page that glides while it grows cannot be read. */
  follow() {
    this.isFollowing = true;
    this.followButton.hidden = true;
    document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
    this.lastTop = document.scrollingElement.scrollTop;
  }
}
