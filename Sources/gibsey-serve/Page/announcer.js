// What a screen reader says: whole sentences of an answer, every few seconds, and what happened. Never token by token.

const pauseMilliseconds = 4000;
const sentenceEnd = /[.!?…]["”’)\]]*\s/g;

export class Announcer {
  /** `region` is a live region that nobody sees; what was said long ago is taken out of it. */
  constructor(region) {
    this.region = region;
    this.waiting = "";
    this.last = 0;
  }

  /** Says it now. */
  say(text) {
    if (!text.trim()) return;
    const line = document.createElement("p");
    line.textContent = text.trim();
    this.region.append(line);
    while (this.region.childElementCount > 3) this.region.firstElementChild.remove();
    this.last = performance.now();
    clearTimeout(this.clearing);
    // So that nobody finds the answer twice while reading through the page.
    this.clearing = setTimeout(() => this.region.replaceChildren(), 10000);
  }

  /** A piece of an answer came: says the sentences that are whole, if the last words are long enough ago. */
  add(text) {
    this.waiting += text;
    if (performance.now() - this.last < pauseMilliseconds) return;
    let end = 0;
    for (const match of this.waiting.matchAll(sentenceEnd)) end = match.index + match[0].length;
    if (end === 0) return;
    const whole = this.waiting.slice(0, end);
    this.waiting = this.waiting.slice(end);
    this.say(whole);
  }

  /** An answer ended: says what is left of it, and how it ended. */
  end(text) {
    const rest = this.waiting.trim();
    this.waiting = "";
    this.say(rest ? `${rest} ${text}` : text);
  }

  /** Forgets what was not said: the reader turned to another character. */
  drop() {
    this.waiting = "";
  }
}
