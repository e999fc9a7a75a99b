// Run inside the page by the tests: how well its text can be read.

(() => {
  const parse = (text) => {
    const found = /^rgba?\(([^)]*)\)$/.exec(text) ?? /^color\(srgb ([^)]*)\)$/.exec(text);
    if (!found) throw new Error(`a colour that nobody can measure: ${text}`);
    const parts = found[1].split(/[\s,/]+/).filter(Boolean).map(Number);
    if (text.startsWith("color")) for (const place of [0, 1, 2]) parts[place] *= 255;
    return { rgb: parts.slice(0, 3), alpha: parts[3] ?? 1 };
  };
  const over = (top, ground) => top.rgb.map((value, place) => value * top.alpha + ground[place] * (1 - top.alpha));
  const ground = (element) => {
    const own = parse(getComputedStyle(element).backgroundColor);
    if (own.alpha === 1) return own.rgb;
    return over(own, element.parentElement ? ground(element.parentElement) : [255, 255, 255]);
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const top = document.querySelector("dialog[open]") ?? document.body;
  const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  const seen = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".unseen, .skip:not(:focus), noscript, script, :disabled")) continue;
    const back = ground(element);
    seen.push({ text: walker.currentNode.data.trim().slice(0, 40), ratio: ratio(over(parse(getComputedStyle(element).color), back), back) });
  }
  for (const field of top.querySelectorAll("textarea, input:not([type=radio])")) {
    if (!field.checkVisibility()) continue;
    const back = ground(field);
    for (const part of ["", "::placeholder"]) {
      if (part && !field.placeholder) continue;
      const colour = parse(getComputedStyle(field, part || undefined).color);
      seen.push({ text: `${field.id}${part}`, ratio: ratio(over(colour, back), back) });
    }
  }
  return seen;
})()
