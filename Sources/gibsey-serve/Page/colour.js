// Colours that are given, made readable on the ground at hand (WCAG 2.2: 1.4.3, at least 4.5 : 1).

/** [red, green, blue] from 0 to 255, or null. Reads "#e5b3b3", "#ebb" and "rgb(229, 179, 179)". */
export function parse(text) {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text?.trim() ?? "");
  if (hex) {
    const digits = hex[1].length === 3 ? hex[1].replace(/./g, "$&$&") : hex[1];
    return [0, 2, 4].map((place) => parseInt(digits.slice(place, place + 2), 16));
  }
  const rgb = /^rgba?\(\s*(\d+)[,\s]+(\d+)[,\s]+(\d+)/.exec(text ?? "");
  return rgb ? rgb.slice(1, 4).map(Number) : null;
}

function luminance(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** From 1 (the same) to 21 (black on white). */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function toHSL([red, green, blue]) {
  const [r, g, b] = [red / 255, green / 255, blue / 255];
  const [low, high] = [Math.min(r, g, b), Math.max(r, g, b)];
  const spread = high - low;
  const lightness = (high + low) / 2;
  if (spread === 0) return [0, 0, lightness];
  const hue = high === r ? (g - b) / spread : high === g ? (b - r) / spread + 2 : (r - g) / spread + 4;
  return [(hue * 60 + 360) % 360, spread / (1 - Math.abs(2 * lightness - 1)), lightness];
}

function toRGB([hue, saturation, lightness]) {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((turn) => {
    const place = (turn + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  });
}

export const css = (rgb) => `rgb(${rgb.join(", ")})`;

/** The colour nearest to the given one, of the same hue, that can be read on the ground. */
export function readable(rgb, ground, least = 4.5) {
  const step = luminance(ground) > 0.18 ? -0.01 : 0.01;
  let [hue, saturation, lightness] = toHSL(rgb);
  let best = rgb;
  while (contrast(best, ground) < least && lightness > 0 && lightness < 1) {
    lightness = Math.min(1, Math.max(0, lightness + step));
    best = toRGB([hue, saturation, lightness]);
  }
  return best;
}

/** The darker or lighter of two inks, whichever is easier to read on the colour. */
export function inkOn(rgb) {
  const [dark, light] = [[26, 23, 20], [255, 255, 255]];
  return contrast(dark, rgb) >= contrast(light, rgb) ? dark : light;
}
