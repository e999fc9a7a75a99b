// Asks for the token of a server that wants one.

export class Door {
  constructor({ dialog, onToken }) {
    this.dialog = dialog;
    this.field = dialog.querySelector("#token");
    this.trouble = dialog.querySelector("#door-trouble");
    dialog.querySelector("#door-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const given = this.field.value.trim();
      if (!given) return;
      if (!/^[!-~]+$/.test(given)) return this.tell("A token is made of plain letters, digits and marks.");
      this.field.value = "";
      dialog.close();
      onToken(given);
    });
  }

  /** `wasRefused` when a token was given and is not the right one. */
  open(wasRefused) {
    this.tell(wasRefused ? "The server does not know this token." : "");
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
  }

  tell(words) {
    this.trouble.textContent = words;
  }
}
