// Colours of points: classes in the report's palette, which the colour-blind can tell apart, numbers along a ramp.
// An ink is a number below 128 that every point has; this module says which, and what colour it is in a theme.

/** @typedef {[number, number, number]} Rgb */
/** @typedef {{kind: "classes", codes: ArrayLike<number>, names?: string[]}} Classes */
/** @typedef {{kind: "numbers", values: ArrayLike<number>, low: number, high: number}} Numbers */
/** @typedef {Classes | Numbers | null} Colours */

export const NOTHING = 0; // not drawn
export const UNKNOWN = 1; // no label, or no number
const FIRST = 2;
const OWN = 120; // inks for classes, and steps of a ramp; a class beyond shares one
export const PLAIN = 122; // nothing is coloured
export const FAINT = 123; // filtered out
export const ACCENT = 124;
export const PAPER = 125;

const LIGHT = [
  ...["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#c9b700"],
  ...["#332288", "#7a4419", "#93d050", "#882255", "#7fd8cf", "#117733", "#f4a582", "#8073ac", "#5a6b1e"],
];
// The same hues in the same order, the dark ones lifted until they stand out from dark paper.
const DARK = [
  ...["#2f8fd0", "#f0ab1f", "#12b789", "#ec7424", "#db8fba", "#74c6f2", "#dfce2e"],
  ...["#7f72e0", "#b27c4d", "#a5dd68", "#c4558c", "#93e3db", "#45a55f", "#f7b79b", "#a598d0", "#96aa4a"],
];

const RAMP_LIGHT = ["#d9c98a", "#7fb685", "#2c8f93", "#2f5f96", "#3b1f6b"]; // low is pale, as paper is
const RAMP_DARK = ["#4a4a86", "#3d7fae", "#39ab9d", "#9bcf6c", "#ffe98a"]; // low is dim, as paper is

/** @param {number} hue @param {number} light @param {number} full @returns {Rgb} each 0 to 1 in, 0 to 255 out */
function fromHue(hue, light, full) {
  const a = full * Math.min(light, 1 - light);
  const one = (/** @type {number} */ n) => {
    const k = (n + hue * 12) % 12;
    return Math.round(255 * (light - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [one(0), one(8), one(4)];
}

/** @param {string} hex @returns {Rgb} */
export function fromHex(hex) {
  const n = parseInt(hex.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** @param {Rgb} rgb @returns {string} */
export const css = ([r, g, b]) => `rgb(${r}, ${g}, ${b})`;

/** The colour of a class: the palette first, then hues spread by the golden ratio at three lightnesses.
 * @param {number} code @param {boolean} dark @returns {Rgb} */
export function classColour(code, dark) {
  const own = dark ? DARK : LIGHT;
  const k = code % OWN;
  if (k < own.length) return fromHex(own[k]);
  const i = k - own.length;
  return fromHue((i * 0.6180339887) % 1, (dark ? [0.5, 0.62, 0.74] : [0.38, 0.52, 0.66])[i % 3], 0.6);
}

/** @param {number} t 0 to 1 @param {Rgb[]} stops @returns {Rgb} linear between them */
export function along(t, stops) {
  const place = Math.max(0, Math.min(1, t)) * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(place));
  const u = place - k;
  return /** @type {Rgb} */ (stops[k].map((c, j) => Math.round(c + (stops[k + 1][j] - c) * u)));
}

/** @param {boolean} dark @returns {Rgb[]} */
export const rampStops = (dark) => (dark ? RAMP_DARK : RAMP_LIGHT).map(fromHex);

/** @param {Colours} colours @param {number} row @returns {number} the ink of a row */
export function inkOf(colours, row) {
  if (!colours) return PLAIN;
  if (colours.kind === "classes") {
    const code = colours.codes[row];
    return code >= 0 ? FIRST + (code % OWN) : UNKNOWN;
  }
  const value = colours.values[row];
  if (!(value - value === 0)) return UNKNOWN;
  const span = colours.high - colours.low;
  const t = span > 0 ? (value - colours.low) / span : 0.5;
  return FIRST + Math.round(Math.max(0, Math.min(1, t)) * (OWN - 1));
}

/**
 * What the 256 inks look like, `r | g << 8 | b << 16`; from 128 on the same, deeper, for rims.
 * @param {Colours} colours @param {import("./theme.js").Theme} theme @returns {Int32Array}
 */
export function inkColours(colours, theme) {
  const table = new Int32Array(256);
  for (let ink = 0; ink < 128; ink++) {
    const rgb = inkColour(ink, colours, theme);
    table[ink] = packed(rgb);
    table[ink | 128] = packed(towards(rgb, theme.dark ? [0, 0, 0] : [20, 20, 30], 0.28));
  }
  return table;
}

/** @param {number} ink @param {Colours} colours @param {import("./theme.js").Theme} theme @returns {Rgb} */
export function inkColour(ink, colours, theme) {
  if (ink === UNKNOWN) return theme.unknown;
  if (ink === FAINT) return theme.faint;
  if (ink === ACCENT) return theme.accent;
  if (ink === PAPER || ink === NOTHING) return theme.paper;
  if (ink >= FIRST && ink < FIRST + OWN && colours) {
    if (colours.kind === "classes") return classColour(ink - FIRST, theme.dark);
    return along((ink - FIRST) / (OWN - 1), theme.ramp);
  }
  return theme.plain;
}

/** @param {Rgb} rgb */
export const packed = ([r, g, b]) => r | (g << 8) | (b << 16);

/** @param {Rgb} a @param {Rgb} b @param {number} t @returns {Rgb} */
export const towards = (a, b, t) => /** @type {Rgb} */ (a.map((c, i) => Math.round(c + (b[i] - c) * t)));
