// How far the reader has read: a number that the server keeps as the gate of everything.

import { lasting, randomName } from "./memory.js";

export class Bookmark {
  /** `send(type, data)` sends a record; `onMove` hears of a page that the reader turned to. */
  constructor({ input, total, trouble, send, onMove }) {
    Object.assign(this, { input, totalBox: total, trouble, send, onMove });
    this.page = Math.max(1, Math.trunc(Number(lasting.get("page"))) || 1);
    this.before = this.page;
    this.asked = null;
    input.value = this.page;
    input.addEventListener("change", () => this.turn());
    input.addEventListener("input", () => this.tell(""));
  }

  /** How many pages there are, where the server says so. */
  setTotal(total) {
    if (!(total > 0)) return;
    this.input.max = total;
    this.totalBox.textContent = `of ${total}`;
    if (this.page > total) this.input.value = this.page = total;
  }

  /** Takes what is in the field; false when it is no page. */
  turn() {
    const wanted = this.input.valueAsNumber;
    const last = Number(this.input.max) || Infinity;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > last) {
      this.tell(last === Infinity ? "A page is a number from 1." : `A page is a number from 1 to ${last}.`);
      return false;
    }
    this.tell("");
    if (wanted !== this.page) this.navigate(wanted);
    return true;
  }

  /** Tells the server; the page counts when it answers, or fails as nothing else would. */
  navigate(page) {
    this.before = this.page;
    this.page = page;
    lasting.set("page", page);
    this.tellServer();
    this.onMove(page);
  }

  /** A new connection does not know the page yet. */
  tellServer() {
    this.asked = randomName();
    this.send("page_navigation", { page_index: this.page, request_id: this.asked });
  }

  /** The server refused; true when the record was about this. */
  fail({ request_id: request, code }) {
    if (!request || request !== this.asked) return false;
    this.tell(code === "UNKNOWN_PAGE" ? `There is no page ${this.page} in this book.` : "The page could not be set.");
    this.page = this.before;
    this.input.value = this.page;
    lasting.set("page", this.page);
    this.onMove(this.page);
    return true;
  }

  tell(words) {
    this.trouble.textContent = words;
    this.input.setAttribute("aria-invalid", String(words !== ""));
  }
}
