// One socket to the server, opened again whenever it is lost, with growing waits.

const firstWait = 500;
const longestWait = 20000;
// A connection that looks open may be dead: a ping every so often, and an answer to it within a while.
const pulseMilliseconds = 25000;
const patienceMilliseconds = 10000;

/**
 * States, told to `onState` with a `name`:
 *   connecting; open (the server greeted); lost, with `at`, the time of the next attempt;
 *   shut: the server wants a token, or another one.
 */
export class Connection {
  /**
   * `open()` makes a WebSocket; `probe()` resolves to the HTTP status that a request of the same reader gets, 0 for none:
   * a browser does not say why a handshake failed.
   */
  constructor({ open, probe, onState, onRecord }) {
    Object.assign(this, { make: open, probe, onState, onRecord });
    this.attempt = 0;
    this.state = { name: "closed" };
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("pageshow", (event) => event.persisted && this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  get isOpen() { return this.state.name === "open"; }

  /** Connects; what was open is left. */
  open() {
    this.leave();
    this.become({ name: "connecting", attempt: this.attempt });
    const socket = this.make();
    this.socket = socket;
    socket.onmessage = (event) => socket === this.socket && this.take(event.data);
    socket.onclose = (event) => socket === this.socket && this.lose(event);
  }

  /** Connects now instead of at the end of the wait. */
  hurry() {
    if (this.state.name === "lost") this.open();
  }

  /** False when it cannot be sent. */
  send(type, data) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ type, data }));
    return true;
  }

  leave() {
    clearTimeout(this.retry);
    clearTimeout(this.pulse);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }

  become(state) {
    this.state = state;
    this.onState(state);
  }

  take(text) {
    this.beat();
    let record;
    try {
      record = JSON.parse(text);
    } catch {
      return; // nothing that we could understand
    }
    if (typeof record?.type !== "string" || typeof record.data !== "object" || !record.data) return;
    if (record.type === "connection_established") {
      this.attempt = 0;
      this.become({ name: "open" });
    }
    this.onRecord(record.type, record.data);
  }

  /** Something came: the next sign of life is due after a pulse. */
  beat() {
    clearTimeout(this.pulse);
    this.pulse = setTimeout(() => {
      this.send("ping", { timestamp: Date.now() });
      this.pulse = setTimeout(() => this.lose({ code: 1006 }), patienceMilliseconds);
    }, pulseMilliseconds);
  }

  async lose({ code }) {
    const wasGreeted = this.state.name === "open";
    this.leave();
    this.attempt += 1;
    const attempt = this.attempt;
    const wait = Math.min(longestWait, firstWait * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
    this.become({ name: "lost", at: Date.now() + wait, attempt, code, wasGreeted });
    this.retry = setTimeout(() => this.hurry(), wait);
    if (wasGreeted) return;
    const status = await this.probe();
    if (this.attempt !== attempt || this.state.name !== "lost") return;
    if (status === 401 || status === 403) {
      clearTimeout(this.retry);
      this.become({ name: "shut", status });
    } else if (status === 503 || status === 429) {
      this.become({ ...this.state, isFull: true });
    }
  }
}
