// The state of the connection, in a word, at the edge of the page.

export class Status {
  constructor({ box, words, button, announcer, onNow }) {
    Object.assign(this, { box, words, button, announcer });
    button.addEventListener("click", onNow);
  }

  show(state) {
    clearInterval(this.ticking);
    this.box.dataset.state = state.name;
    this.button.hidden = state.name !== "lost";
    switch (state.name) {
      case "connecting":
        this.words.textContent = "connecting";
        break;
      case "open":
        this.words.textContent = "connected";
        if (this.wasLost) this.announcer.say("Connected again.");
        this.wasLost = false;
        break;
      case "lost":
        if (!this.wasLost) this.announcer.say("The connection is lost. Trying again.");
        this.wasLost = true;
        this.count(state);
        this.ticking = setInterval(() => this.count(state), 1000);
        break;
      case "shut":
        this.words.textContent = "not let in";
        break;
    }
  }

  count({ at, isFull, code }) {
    const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1000));
    const isClosed = code === 1001 || code === 1012; // RFC 6455 §7.4.1 and the IANA registry: going away, restarting
    const why = !navigator.onLine ? "offline" : isFull ? "the server is full" : isClosed ? "the server closed" : "not connected";
    this.words.textContent = seconds > 1 ? `${why}, again in ${seconds} s` : why;
  }
}
