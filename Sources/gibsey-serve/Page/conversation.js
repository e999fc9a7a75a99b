// The turns of a conversation, and what the records of the socket do to them. It knows no element of the page.

import { randomName, tab } from "./memory.js";

/**
 * A question and its answer. `state` is
 *   waiting    asked, nothing of the answer has come
 *   speaking   its tokens come
 *   whole      it ended by itself, by its limit, or was stopped: `end` says how
 *   failed     an error ended it: `failure`, but for one of an earlier visit
 *   lost       the connection went, and nobody knows any more what became of it
 *   elsewhere  it is being made, and goes to another page or program of the same conversation
 */
export class Turn {
  constructor({ requestID, character, prompt, page }) {
    Object.assign(this, { requestID, character, prompt, page });
    this.responseID = null;
    this.text = "";
    this.seq = -1;
    this.state = "waiting";
    this.end = null;
    this.made = null;
    this.failure = null;
    this.citations = [];
    this.switches = [];
    this.isStopping = false;
  }

  get isOpen() { return this.state === "waiting" || this.state === "speaking"; }
}

/** Without questions that got no word and were asked again. */
function withoutRetried(past) {
  return past.filter((turn, place) => turn.text || turn.state === "elsewhere" || !past.slice(place + 1).some((later) =>
    later.character === turn.character && later.prompt === turn.prompt && later.parent === turn.parent));
}

export class Conversation {
  /** `send(type, data)` sends a record and tells whether it could; `onTurn(turn, what, text)` hears of every change. */
  constructor({ send, onTurn, onNote }) {
    Object.assign(this, { send, onTurn, onNote });
    this.turns = [];
    this.adrift = new Set();
    this.unclaimed = new Set();
  }

  /** The turns with a character as far as the reader has read; one in which nothing was told holds nothing of the book. */
  of(character, gate = Infinity) {
    return this.turns.filter((turn) => turn.character === character
      && (turn.isOpen || turn.isPast || turn.isKept || !turn.text || turn.page <= gate));
  }
  get open() { return this.turns.filter((turn) => turn.isOpen); }

  /**
   * Asks as one who has read to a place, {id, number}; null when the connection is lost. `parent` is the number of the turn that the
   * question follows, 0 for none; without it that is the newest.
   */
  ask(character, prompt, { id, number }, parent) {
    const turn = new Turn({ requestID: randomName(), character, prompt, page: number });
    // The page goes with each question: what holds for it does not hang on what was told before.
    const data = {
      prompt, character_id: character || undefined, current_page_id: id, request_id: turn.requestID, parent_turn: parent,
    };
    const isNext = this.open.length > 0;
    if (!this.send("ai_chat_request", data)) return null;
    this.turns.push(turn);
    this.keep();
    this.onTurn(turn, "asked");
    if (isNext) this.onTurn(turn, "queued");
    return turn;
  }

  /** Stops the answer; one that is away is stopped as soon as the connection is back. */
  stop(turn) {
    if (!turn.isOpen || turn.isStopping) return;
    turn.isStopping = true;
    this.cancel(turn);
    this.onTurn(turn, "stopping");
  }

  cancel(turn) {
    this.send("ai_chat_cancel", turn.responseID ? { response_id: turn.responseID } : { request_id: turn.requestID });
  }

  receive(type, data) {
    if (this.unclaimed.delete(data.response_id)) setTimeout(() => this.settle());
    switch (type) {
      case "connection_established": return this.greet(data.resumable ?? []);
      case "ai_response_stream": return this.stream(data);
      case "provider_switched": return this.switch(data);
      case "error": return this.fail(data);
    }
  }

  find({ response_id: response, request_id: request }) {
    return this.turns.find((turn) => response && turn.responseID === response)
      ?? this.turns.find((turn) => request && turn.requestID === request);
  }

  stream(data) {
    const turn = this.find(data);
    if (!turn || !(turn.isOpen || turn.state === "lost")) return;
    if (!turn.responseID) {
      turn.responseID = data.response_id;
      this.keep();
    }
    // After a resume a record may come again.
    if (typeof data.seq === "number" && data.seq <= turn.seq) return;
    turn.seq = data.seq ?? turn.seq + 1;
    if (data.token) {
      turn.state = "speaking";
      turn.text += data.token;
      this.onTurn(turn, "token", data.token);
    }
    if (!data.is_complete) return;
    turn.end = data.finish_reason ?? "stop";
    turn.citations = data.citations ?? [];
    turn.made = data;
    this.finish(turn, "whole");
  }

  switch(data) {
    const turn = this.find(data);
    if (!turn) return;
    turn.switches.push(data);
    this.onTurn(turn, "switched", data);
  }

  fail(data) {
    const turn = this.find(data);
    if (!turn?.isOpen) {
      if (!turn) this.onNote(data);
      return;
    }
    if (data.code === "UNKNOWN_RESPONSE") return this.finish(turn, "lost");
    turn.failure = data;
    this.finish(turn, "failed");
  }

  finish(turn, state) {
    turn.state = state;
    turn.isStopping = false;
    this.keep();
    this.onTurn(turn, "ended");
    const next = this.open[0];
    if (next && !next.isStopping) this.onTurn(next, "begun");
  }

  /** The connection is lost: what was being answered is away until it is back. */
  leave() {
    for (const turn of this.open) this.onTurn(turn, "away");
  }

  /** The server greeted: takes up what it still has, gives up what it does not. */
  greet(resumable) {
    const before = this.open;
    for (const turn of before.filter((turn) => turn.responseID && !resumable.includes(turn.responseID))) {
      this.finish(turn, "lost");
    }
    for (const turn of before.filter((turn) => turn.responseID && turn.isOpen)) {
      this.resume(turn.responseID, turn.seq);
      if (turn.isStopping) this.cancel(turn);
      this.onTurn(turn, "begun");
    }
    // Of these we do not know the answer's name yet. One that nobody here claims may be it: its records say so.
    this.adrift = new Set(before.filter((turn) => !turn.responseID));
    const claimed = this.turns.map((turn) => turn.responseID);
    this.unclaimed = new Set(this.adrift.size ? resumable.filter((response) => !claimed.includes(response)) : []);
    for (const response of this.unclaimed) this.resume(response, -1);
    this.settle();
  }

  /** When no answer is left that could be theirs, the questions that waited for one are lost. */
  settle() {
    if (this.unclaimed.size > 0) return;
    for (const turn of this.adrift) if (turn.isOpen && !turn.responseID) this.finish(turn, "lost");
    this.adrift.clear();
  }

  resume(response, after) {
    this.send("ai_response_resume", { response_id: response, after_seq: after });
  }

  /**
   * Takes what the server remembers, as far as the reader has read: in place of turns that we lost, and before ours where
   * only it knows them. It keeps no ids of answers, so a turn is known by its character and question, the newest first.
   */
  remember(past) {
    const rest = withoutRetried(past);
    const ours = this.turns.filter((turn) => !turn.isPast).toReversed().map((turn) => {
      const place = rest.findLastIndex((kept) => kept.character === turn.character && kept.prompt === turn.prompt);
      const [kept] = place < 0 ? [] : rest.splice(place, 1);
      turn.isKept = kept !== undefined;
      // After a crash less may have been kept than was seen.
      return turn.state === "lost" && kept?.text.length >= turn.text.length ? kept : turn;
    });
    this.turns = [...rest, ...ours.toReversed()];
  }

  /**
   * What holds for a question that is asked again. `parent` is what it follows: what it followed before, or undefined when others came
   * after it, or where the server does not know it. `isForgotten` tells whether the old turn, where it has no word, is shown no more
   * after a reload either. `past` is what the server remembers.
   */
  beforeRetry(turn, past) {
    const isSame = (kept) => kept.prompt === turn.prompt && (turn.number ?? kept.number) === kept.number;
    const newest = (turns) => turns.findLast((other) => other.character === turn.character);
    const own = past.filter((kept) => kept.character === turn.character);
    const isNewest = newest(this.turns) === turn && own.length > 0 && isSame(own.at(-1));
    return { parent: isNewest ? own.at(-1).parent : undefined, isForgotten: isNewest || !own.some(isSame) };
  }

  /** Whether an answer goes to somebody else just now. */
  get hasElsewhere() { return this.turns.some((turn) => turn.state === "elsewhere"); }

  /** Takes what has become of answers that go to somebody else; returns the turns that changed. */
  renew(past) {
    return this.turns.filter((turn) => {
      const kept = turn.state === "elsewhere" && past.find(({ number }) => number === turn.number);
      if (!kept || (kept.text === turn.text && kept.end === turn.end)) return false;
      const { text, state, end, citations } = kept;
      Object.assign(turn, { text, state, end, citations });
      return true;
    });
  }

  /** The server cannot be asked what of the past may be seen by one who went back in the book: nothing of it may. */
  hidePast() {
    this.turns = this.turns.filter((turn) => !turn.isPast);
    for (const turn of this.turns) turn.isKept = false;
  }

  /** Puts what was said before in front. */
  recallEarlier(past) {
    this.turns = [...withoutRetried(past), ...this.turns];
  }

  forget(turn) {
    this.turns = this.turns.filter((other) => other !== turn);
    this.keep();
  }

  /** Another conversation begins. */
  clear() {
    this.turns = [];
    this.keep();
  }

  /** Writes down what waits for an answer, so that a reload finds it. */
  keep() {
    const waiting = this.open.map(({ requestID, responseID, character, prompt, page }) =>
      ({ requestID, responseID, character, prompt, page }));
    if (waiting.length) tab.set("waiting", JSON.stringify(waiting));
    else tab.remove("waiting");
  }

  /** Reads it again: turns whose answers come once more, from their first token. */
  restore() {
    try {
      for (const kept of JSON.parse(tab.get("waiting") ?? "[]")) {
        const turn = new Turn(kept);
        turn.responseID = kept.responseID;
        this.turns.push(turn);
      }
    } catch {
      tab.remove("waiting");
    }
  }
}
