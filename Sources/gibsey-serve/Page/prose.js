// Foreign text on the page: always text, never markup, and never able to turn the line around.

// C0 but tab and line feed, DEL, C1, and the marks that reorder what is read; as in the programs' own filter.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const label = /\[\s*pages?[\s:]+([^\]\[]{1,200})\]/gi;

/** The text without what could deceive the eye. */
export function clean(text) {
  return String(text ?? "").replace(unsafe, "");
}

/** An element with text in it; `more` are properties of it. */
export function element(name, more = {}, ...children) {
  const made = document.createElement(name);
  const { text, ...properties } = more;
  Object.assign(made, properties);
  if (text !== undefined) made.textContent = clean(text);
  made.append(...children);
  return made;
}

/** The number that people call a page by: 12 for "012"; another id as it is. */
export function pageName(id) {
  return /^0*[1-9][0-9]*$/.test(id) ? String(Number(id)) : clean(id);
}

/** Writes an answer into an element as it comes: paragraphs where it has blank lines. */
export class Prose {
  constructor(box) {
    this.box = box;
    this.held = "";
    this.line = null;
  }

  append(text) {
    const all = this.held + clean(text);
    const body = all.trimEnd();
    this.held = all.slice(body.length); // spaces that may turn out to end the answer, or to part paragraphs
    if (!body) return;
    const [first, ...others] = body.split(/\n[ \t]*\n\s*/);
    if (this.line) this.line.appendData(first);
    else if (first.trim()) this.open(first.trimStart());
    for (const paragraph of others) this.open(paragraph);
  }

  open(text) {
    this.line = document.createTextNode(text);
    this.box.append(element("p", { dir: "auto" }, this.line));
  }

  /** Makes the labels of cited pages, as in "[page 12]", into buttons; `button` makes one of an id. */
  link(ids, button) {
    const known = new Map(ids.map((id) => [pageName(id).toLowerCase(), id]));
    for (const paragraph of this.box.querySelectorAll("p")) {
      const text = paragraph.textContent;
      const pieces = [];
      let from = 0;
      for (const match of text.matchAll(label)) {
        const name = match[1].trim();
        const id = known.get(pageName(name).toLowerCase());
        if (!id) continue;
        pieces.push(text.slice(from, match.index), button(id, match[0].slice(1, -1)));
        from = match.index + match[0].length;
      }
      if (pieces.length) paragraph.replaceChildren(...pieces, text.slice(from));
    }
  }
}
