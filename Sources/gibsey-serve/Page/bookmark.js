// How far the reader has read: a page of the book as it is now, named with every question and with whatever is looked at.

import { LibraryError } from "./library.js";
import { lasting, randomName } from "./memory.js";

export class Bookmark {
  /**
   * `find(wanted)` asks the server for a place, see Library.place; `send(type, data)` sends a record; `onMove` hears that
   * the bookmark lies elsewhere.
   */
  constructor({ input, total, trouble, find, send, onMove }) {
    Object.assign(this, { input, totalBox: total, trouble, find, send, onMove });
    /** {id, number}, as the server knows it; null before it was asked, and in a book without pages. */
    this.place = null;
    this.isAtStart = true;
    this.asked = null;
    this.work = Promise.resolve();
    input.value = lasting.get("page") ?? "";
    input.addEventListener("change", () => this.turn());
    input.addEventListener("input", () => this.tell(""));
  }

  get number() { return this.place?.number ?? 0; }

  /** One after the other: what the reader types and what happens to the book. */
  queue(job) {
    this.work = this.work.catch(() => { /* told to who asked for it */ }).then(job);
    return this.work;
  }

  /**
   * Finds the bookmark in the book as it is now. Where its page is gone it lies before it: pages may have moved up into that
   * place, and none of them has been read. Throws what `find` throws.
   */
  settle() {
    return this.queue(async () => {
      const { id, number } = this.place ?? { id: lasting.get("page-id"), number: Math.trunc(Number(lasting.get("page"))) || 0 };
      let found = id ? await this.find({ page: id }) : null;
      const isGone = id && !found;
      if (!found && number > 1) found = await this.find({ up_to: number - (id ? 1 : 0) });
      found ??= await this.find({});
      if (!found) {
        this.place = null;
        return this.tell("There are no pages in this book yet.");
      }
      this.lay(found);
      if (isGone) this.tell(`Page ${number} is not in this book any more. Now it is page ${found.number}: say so if you have read on.`);
    });
  }

  /** Takes what is in the field; resolves to whether it is a page. */
  async turn() {
    const wanted = this.input.valueAsNumber;
    if (!this.place) await this.settle().catch(() => { /* told below */ });
    return this.queue(() => this.take(this.isShown(wanted) ? wanted : this.number));
  }

  /** Whether this is still what stands in the field: the reader may be writing another number. */
  isShown(number) { return Object.is(this.input.valueAsNumber, number); }

  async take(wanted) {
    if (!this.place) return this.refuse(this.trouble.textContent || "The server does not say which pages there are.");
    if (wanted === this.place.number) {
      if (this.input.getAttribute("aria-invalid") === "true") this.tell("");
      return true;
    }
    if (!Number.isSafeInteger(wanted)) return this.refuse(this.rangeWords());
    let found;
    try {
      found = await this.find({ up_to: Math.max(0, wanted) });
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      return this.refuse("The server does not say whether there is such a page.");
    }
    if (found) this.measure(found);
    if (found?.number === wanted) {
      this.lay(found);
      return true;
    }
    const isWithin = found && wanted < found.last;
    return this.refuse(isWithin ? `There is no page ${wanted} in this book. The one before it is ${found.number}.` : this.rangeWords());
  }

  rangeWords() {
    const { min, max } = this.input;
    return min === max ? `The only page is ${min}.` : `A page is a number from ${min} to ${max}.`;
  }

  refuse(words) {
    this.tell(words);
    return false;
  }

  /** From where to where the book goes. */
  measure({ first, last }) {
    this.input.min = first;
    this.input.max = last;
    this.totalBox.textContent = `of ${last}`;
  }

  lay(found) {
    const before = this.place;
    const { id, number } = found;
    this.measure(found);
    this.isAtStart = number === found.first;
    if (before?.id === id && before.number === number) return;
    this.place = { id, number };
    lasting.set("page", number);
    lasting.set("page-id", id);
    // Who is about to write another number goes on writing it.
    if (!before || this.isShown(before.number) || this.isShown(number)) {
      this.input.value = number;
      this.tell("");
    }
    this.tellServer();
    if (before) this.onMove();
  }

  /** So that the server hears of it without a question; a new connection does not know it yet. */
  tellServer() {
    if (!this.place) return;
    this.asked = randomName();
    this.send("page_navigation", { page_id: this.place.id, request_id: this.asked });
  }

  /** The server answered or refused what was told; true when the record was about this. */
  heard(type, { request_id: request, code, vault_data: vault }) {
    if (!request || request !== this.asked) return false;
    const hasMoved = type === "vault_update" && vault?.current_page_index !== this.number;
    if (hasMoved || code === "UNKNOWN_PAGE") this.settle().catch(() => { /* at the next question */ });
    else if (code) this.tell("The server could not write down your page. It holds here all the same.");
    return true;
  }

  tell(words) {
    this.trouble.textContent = words;
    this.input.setAttribute("aria-invalid", String(words !== "" && this.input.valueAsNumber !== this.place?.number));
  }
}
