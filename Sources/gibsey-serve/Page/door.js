// Asks for the token of a server that wants one.

// A subprotocol carries the token, and may have no other characters (RFC 9110 §5.6.2).
const sendable = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

export class Door {
  constructor({ dialog, onToken }) {
    this.dialog = dialog;
    this.field = dialog.querySelector("#token");
    this.trouble = dialog.querySelector("#door-trouble");
    dialog.querySelector("#door-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const given = this.field.value.trim();
      if (!given) return;
      if (!sendable.test(given)) {
        this.trouble.textContent = "A browser cannot send this token: it has characters besides letters, digits and a few marks.";
        return;
      }
      this.field.value = "";
      dialog.close();
      onToken(given);
    });
  }

  /** `wasRefused` when a token was given and is not the right one. */
  open(wasRefused) {
    this.trouble.textContent = wasRefused ? "The server does not know this token." : "";
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
  }
}
