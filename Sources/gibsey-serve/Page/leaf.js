// A page of the book, opened over the conversation.

import { LibraryError } from "./library.js";
import { paint } from "./cast.js";
import { clean, element, pageName } from "./prose.js";
import { leafWords } from "./words.js";

export class Leaf {
  /** `library` fetches pages; `gate()` tells the place that the reader has read to; `colourOf(character)` its colour. */
  constructor({ dialog, library, gate, colourOf }) {
    Object.assign(this, { dialog, library, gate, colourOf });
    for (const name of ["title", "text", "number", "back", "on", "close"]) {
      this[name] = dialog.querySelector(`#leaf-${name}`);
    }
    this.close.addEventListener("click", () => dialog.close());
    this.back.addEventListener("click", () => this.step(-1));
    this.on.addEventListener("click", () => this.step(1));
    dialog.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "ArrowLeft") this.step(-1);
      if (event.key === "ArrowRight") this.step(1);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  /** Opens a page; `quotes` are words to be marked on it. */
  async open(id, quotes = []) {
    if (!this.dialog.open) this.dialog.showModal();
    const wanted = Symbol(id);
    this.wanted = wanted;
    Object.assign(this, { shown: null, quotes, before: null, after: null });
    this.title.textContent = `Page ${pageName(id)}`;
    this.number.textContent = "";
    this.text.setAttribute("aria-busy", "true");
    this.text.replaceChildren(element("p", { className: "aside", text: "Opening the page" }));
    this.steps();
    try {
      const page = await this.library.page(id, this.gate()?.id);
      if (this.wanted !== wanted) return;
      this.show(page, quotes);
      this.text.scrollTop = 0;
      this.text.querySelector("mark")?.scrollIntoView({ block: "center" });
      this.text.focus();
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      if (this.wanted === wanted) this.refuse(error, leafWords.gated(this.gate()?.number));
    }
    if (this.wanted === wanted) this.text.setAttribute("aria-busy", "false");
  }

  /** The index changed: the open page is read again, and the reader stays where they are on it. */
  async refresh() {
    if (!this.dialog.open || this.shown === null) return;
    const wanted = Symbol(this.shown);
    this.wanted = wanted;
    try {
      const page = await this.library.page(this.shown, this.gate()?.id);
      if (this.wanted !== wanted) return;
      const place = this.text.scrollTop;
      this.show(page, this.quotes);
      this.text.scrollTop = place;
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      // A server that cannot be reached takes no page from a reader.
      if (this.wanted === wanted && error.status === 404) this.refuse(error, leafWords.removed);
    }
  }

  show(page, quotes) {
    this.shown = page.id;
    this.before = page.previous_page_id ?? null;
    this.after = page.next_page_id ?? null;
    this.title.textContent = clean(page.title || page.section || `Page ${pageName(page.id)}`);
    this.number.textContent = String(page.page_index ?? pageName(page.id));
    paint(this.dialog, this.colourOf(page.character_id));
    const paragraphs = clean(page.text).split(/\n[ \t]*\n\s*/).map((text) => element("p", { text, dir: "auto" }));
    this.text.replaceChildren(...paragraphs);
    for (const quote of quotes) this.mark(quote);
    this.steps();
  }

  /** `missing` is what to say of a page that the server does not show. */
  refuse({ status }, missing) {
    const words = status === 404 ? missing : status === 0 ? leafWords.unreachable : leafWords.failed;
    this.shown = null;
    this.text.replaceChildren(element("p", { className: "aside", text: words }));
    this.close.focus();
  }

  steps() {
    this.back.disabled = this.before === null;
    this.on.disabled = this.after === null;
  }

  /** Turns to the page before or after: the server names it, and none after the reader's. */
  step(by) {
    const id = by < 0 ? this.before : this.after;
    if (id !== null) this.open(id);
  }

  /** Marks the words of a quotation where they stand within one paragraph, whatever the quotes, case and spaces between. */
  mark(quote) {
    const words = clean(quote).match(/[\p{L}\p{N}]+/gu);
    if (!words) return;
    const pattern = new RegExp(words.map((word) => word).join("[^\\p{L}\\p{N}]+"), "iu");
    for (const paragraph of this.text.querySelectorAll("p")) {
      for (const node of paragraph.childNodes) {
        const found = node.nodeType === Node.TEXT_NODE && pattern.exec(node.data);
        if (!found) continue;
        const rest = node.splitText(found.index);
        rest.splitText(found[0].length);
        rest.replaceWith(element("mark", { text: found[0] }));
        return;
      }
    }
  }
}
