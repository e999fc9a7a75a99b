// What the browser keeps between visits: who was asked, how far was read, which conversation; no texts.
// What belongs to one tab (its token, and questions as long as they wait for an answer) is gone when the tab is.

/** A storage that never throws: where the browser allows none, things last as long as the page. */
class Shelf {
  constructor(open) {
    this.fallback = new Map();
    try {
      this.storage = open();
      this.storage.getItem("gibsey");
    } catch {
      this.storage = null;
    }
  }

  get(name) {
    return this.storage ? this.storage.getItem(`gibsey.${name}`) : (this.fallback.get(name) ?? null);
  }

  set(name, value) {
    try {
      if (this.storage) this.storage.setItem(`gibsey.${name}`, value);
      else this.fallback.set(name, value);
    } catch {
      this.fallback.set(name, value); // full: then it is forgotten with the page
    }
  }

  remove(name) {
    this.fallback.delete(name);
    this.storage?.removeItem(`gibsey.${name}`);
  }
}

/** Kept for this browser. */
export const lasting = new Shelf(() => window.localStorage);
/** Kept for this tab, through a reload. */
export const tab = new Shelf(() => window.sessionStorage);

/** A name that nobody guesses. `crypto.randomUUID` is missing on plain http, so it is made of its bytes. */
export function randomName() {
  return digits(crypto.getRandomValues(new Uint8Array(16)));
}

/** The digits of a text's bytes: a socket's subprotocol has few characters, a token may have others. */
export function hexadecimal(text) {
  return digits(new TextEncoder().encode(text));
}

function digits(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
