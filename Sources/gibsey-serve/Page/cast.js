// Who speaks: the characters as a list to choose from, each with its colour.

import { css, inkOn, parse, readable } from "./colour.js";
import { clean, element } from "./prose.js";

const plainColour = [221, 221, 221];

/**
 * Puts a character's colour, and inks that can be read with it, on an element: one for the day and one for the night. The
 * style sheet chooses between them, so that nothing has to be painted again when it gets dark.
 */
export function paint(target, colour) {
  const given = parse(colour) ?? plainColour;
  const style = getComputedStyle(document.documentElement);
  for (const time of ["light", "dark"]) {
    const ground = parse(style.getPropertyValue(`--ground-${time}`));
    target.style.setProperty(`--ink-${time}`, css(readable(given, ground)));
  }
  target.style.setProperty("--accent", css(given));
  target.style.setProperty("--on-accent", css(inkOn(given)));
}

export class Cast {
  constructor({ list, button, name, panel, onChoose }) {
    Object.assign(this, { list, button, nameBox: name, panel, onChoose });
    this.characters = [];
    this.busy = new Set();
    button.addEventListener("click", () => this.show(button.getAttribute("aria-expanded") !== "true"));
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || button.getAttribute("aria-expanded") !== "true") return;
      event.stopPropagation();
      this.show(false);
      button.focus();
    });
  }

  /** Opens or closes the list; where there is room for it, it is always open. */
  show(isOpen) {
    this.button.setAttribute("aria-expanded", String(isOpen));
    this.panel.classList.toggle("open", isOpen);
    if (isOpen) this.list.querySelector("input:checked")?.focus();
  }

  named(id) {
    return this.characters.find((character) => character.id === id);
  }

  nameOf(id) {
    return clean(this.named(id)?.name ?? id ?? "the narrator");
  }

  fill(characters, chosen) {
    this.characters = characters;
    this.list.replaceChildren(...characters.map((character) => {
      const input = element("input", { type: "radio", name: "character", value: character.id });
      input.checked = character.id === chosen;
      input.addEventListener("change", () => this.onChoose(character.id));
      const row = element("label", { className: "member" }, input, element("span", { className: "swatch" }),
        element("span", { className: "member-name", text: character.name }), element("span", { className: "member-state" }));
      row.dataset.id = character.id;
      paint(row, character.colour);
      // Chosen, by whatever means: the list has done its work.
      row.addEventListener("click", (event) => event.detail > 0 && this.show(false));
      return row;
    }));
    this.choose(chosen);
  }

  choose(id) {
    this.chosen = id;
    for (const input of this.list.querySelectorAll("input")) input.checked = input.value === id;
    this.nameBox.textContent = this.nameOf(id);
    paint(document.documentElement, this.named(id)?.colour);
  }

  /** Marks who is speaking. */
  mark(speaking) {
    for (const row of this.list.children) {
      row.querySelector(".member-state").textContent = speaking.has(row.dataset.id) ? "speaking" : "";
    }
  }
}
