// The server over HTTP: its characters, its pages behind the reader's gate, what was said before.

import { Turn } from "./conversation.js";

// A server that says nothing for so long says nothing.
const patienceMilliseconds = 20000;

export class LibraryError extends Error {
  /** `status` is 0 when no answer came. */
  constructor(status, record) {
    super(record?.message ?? `status ${status}`);
    this.status = status;
    this.record = record;
  }
}

export class Library {
  /** `token` gives the server's token, or null. */
  constructor(token) {
    this.token = token;
  }

  async get(path, query = {}) {
    const address = new URL(path, document.baseURI);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) address.searchParams.set(name, value);
    }
    const token = this.token();
    let answer, body;
    try {
      answer = await fetch(address, {
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        credentials: "omit", redirect: "error", cache: "no-store", signal: AbortSignal.timeout(patienceMilliseconds),
      });
      body = await answer.text();
    } catch {
      throw new LibraryError(0);
    }
    let value = null;
    try {
      value = JSON.parse(body);
    } catch { /* a proxy's own page: the status tells enough */ }
    if (!answer.ok) throw new LibraryError(answer.status, value?.data ?? value?.error ?? value);
    return value;
  }

  /** [{id, name, colour}], in the order of the server; at the end the narrator, who speaks for any story. */
  async characters() {
    const { characters } = await this.get("api/v1/characters");
    return [...characters, { id: "", name: "The narrator", colour: "#dddddd" }];
  }

  /**
   * Where a page stands: {id, number, first, last}, the last two of the whole book. `wanted` is {page}, its id, or {up_to}, for
   * the last one that is not behind that number, or {} for the first of all. Null when there is none.
   */
  async place(wanted) {
    try {
      const found = await this.get("api/v1/place", wanted);
      return { id: found.page_id, number: found.page_index, first: found.first_page_index, last: found.last_page_index };
    } catch (error) {
      if (error.status === 404 && error.record?.code === "UNKNOWN_PAGE") return null;
      throw error;
    }
  }

  /** Who tells the first page; null when nobody does, or there is none. */
  async opener() {
    const { pages } = await this.get("api/v1/pages", { limit: 1, text: false });
    return pages[0]?.character_id ?? null;
  }

  /**
   * A page as far as the reader has read, which is to the page of the id `gate`; 404 for what is not there or comes later. `name` is its id, or its number where no
   * page has that for an id: answers say "page 12", whatever it is called.
   */
  async page(name, gate) {
    if (!gate) throw new LibraryError(404); // without a gate the server shows the whole book
    try {
      return await this.get(`api/v1/pages/${encodeURIComponent(name)}`, { page: gate });
    } catch (error) {
      if (error.status !== 404 || !/^[0-9]{1,9}$/.test(name)) throw error;
      const cursor = `${Number(name) - 1}.\uffff`; // behind every page of the number before
      const { pages: [page] } = await this.get("api/v1/pages", { page: gate, limit: 1, cursor, text: false });
      if (page?.page_index !== Number(name)) throw error;
      return this.get(`api/v1/pages/${encodeURIComponent(page.id)}`, { page: gate });
    }
  }

  /** What was said in a conversation, as far as the reader has read, oldest first; `earlier` asks for what was before it. */
  async turns(session, gate, before) {
    if (!gate) return { turns: [], earlier: null };
    try {
      const { turns, earlier } = await this.get(
        `api/v1/sessions/${encodeURIComponent(session)}`, { page: gate, before });
      return { turns: turns.map(pastTurn), earlier: earlier ?? null };
    } catch (error) {
      if (error.record?.code === "UNKNOWN_SESSION") return { turns: [], earlier: null }; // nothing was said yet
      throw error;
    }
  }
}

const pastStates = { running: "elsewhere", failed: "failed" };

/** A turn as it was kept: how it ended is one of `complete`, `interrupted`, `failed`, or `running` while it has not. */
function pastTurn(kept) {
  const turn = new Turn({ character: kept.character_id ?? "", prompt: kept.question, page: null });
  return Object.assign(turn, {
    number: kept.turn, parent: kept.parent_turn ?? 0, text: kept.answer ?? "", state: pastStates[kept.outcome] ?? "whole",
    end: kept.outcome === "complete" ? "stop" : kept.outcome, citations: kept.citations ?? [], isPast: true,
  });
}
