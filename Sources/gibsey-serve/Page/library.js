// The server over HTTP: its characters, its pages behind the reader's gate, what was said before.

import { Turn } from "./conversation.js";

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
        credentials: "omit", redirect: "error", cache: "no-store",
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

  /** How many pages the book has, or null. */
  async total() { return (await this.get("api/v1/stats")).pages ?? null; }

  /** Who tells the first page; null when nobody does, or there is none. */
  async opener() {
    const { pages } = await this.get("api/v1/pages", { limit: 1, text: false });
    return pages[0]?.character_id ?? null;
  }

  /**
   * A page as far as the reader has read; 404 for what is not there or comes later. `name` is its id, or its number where no
   * page has that for an id: answers say "page 12", whatever it is called.
   */
  async page(name, gate) {
    try {
      return await this.get(`api/v1/pages/${encodeURIComponent(name)}`, { page_index: gate });
    } catch (error) {
      if (error.status !== 404 || !/^[0-9]{1,9}$/.test(name)) throw error;
      const cursor = `${Number(name) - 1}.\uffff`; // behind every page of the number before
      const { pages: [page] } = await this.get("api/v1/pages", { page_index: gate, limit: 1, cursor, text: false });
      if (page?.page_index !== Number(name)) throw error;
      return this.get(`api/v1/pages/${encodeURIComponent(page.id)}`, { page_index: gate });
    }
  }

  /** What was said in a conversation, as far as the reader has read, oldest first; `earlier` asks for what was before it. */
  async turns(session, gate, before) {
    try {
      const { turns, earlier } = await this.get(
        `api/v1/sessions/${encodeURIComponent(session)}`, { page_index: gate, before });
      return { turns: turns.map(pastTurn), earlier: earlier ?? null };
    } catch (error) {
      if (error.status === 404) return { turns: [], earlier: null }; // nothing was said yet
      throw error;
    }
  }
}

/** A turn as it was kept: how it ended is one of `complete`, `interrupted`, `failed`. */
function pastTurn(kept) {
  const turn = new Turn({ character: kept.character_id ?? "", prompt: kept.question, page: null });
  return Object.assign(turn, {
    number: kept.turn, text: kept.answer ?? "", state: "whole", end: kept.outcome === "complete" ? "stop" : kept.outcome,
    isPast: true,
  });
}
