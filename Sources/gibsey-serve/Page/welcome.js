// What stands on the page before the first question to a character.

import { element } from "./prose.js";

const questions = [
  ["who-are-you", "Who are you?"],
  ["where-we-are", "What has just happened, on the page I am on?"],
  ["what-you-fear", "What is it that you do not want to talk about?"],
];

export class Welcome {
  /** `onAsk(question, name)` hears of the question that was chosen. */
  constructor({ box, onAsk }) {
    this.box = box;
    this.title = box.querySelector("#welcome-name");
    this.words = box.querySelector("#welcome-words");
    box.querySelector("#welcome-questions").replaceChildren(...questions.map(([name, text]) => {
      const button = element("button", { type: "button", className: "suggestion", text });
      button.addEventListener("click", () => onAsk(text, name));
      return element("li", {}, button);
    }));
  }

  /** `page` is the number of the page that was read to; 0 where the reader has not begun. */
  show(name, page) {
    this.title.textContent = name;
    this.words.textContent = page > 0
      ? `You have read to page ${page}. Ask what you like: nothing that comes later will be told.`
      : "Say below how far you have read, and ask what you like: nothing that comes later will be told.";
    this.box.hidden = false;
  }

  hide() {
    this.box.hidden = true;
  }
}
