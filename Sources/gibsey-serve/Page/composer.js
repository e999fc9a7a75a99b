// Where the reader writes: Enter asks, Shift and Enter makes a line, Escape (anywhere) stops the answer.

export class Composer {
  /** `onAsk(text)` resolves to false when it could not be asked: then the text stays. */
  constructor({ form, field, stop, onAsk, onStop }) {
    Object.assign(this, { form, field, stop, onAsk });
    this.label = form.querySelector("#question-label");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    field.addEventListener("keydown", (event) => {
      // While a word is being composed (Japanese, Chinese, Korean) Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.ask();
    });
    field.addEventListener("input", () => this.fit());
    stop.addEventListener("click", () => {
      onStop();
      field.focus();
    });
  }

  async ask() {
    const text = this.field.value.trim();
    if (!text || text === this.asking) return; // on its way already
    this.asking = text;
    try {
      if (await this.onAsk(text) === false) return;
    } finally {
      if (this.asking === text) this.asking = null;
    }
    if (this.field.value.trim() !== text) return; // written on meanwhile
    this.field.value = "";
    this.fit();
  }

  /** As high as its text, up to a limit that the style sheet sets. */
  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }

  address(name) {
    this.label.textContent = name ? `Your question to ${name}` : "Your question";
    this.field.placeholder = name ? `Ask ${name}` : "Ask";
  }

  show(isSpeaking) {
    this.stop.hidden = !isSpeaking;
  }

  focus() {
    this.field.focus();
  }
}
