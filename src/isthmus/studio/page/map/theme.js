// Colours of the page, read from its style sheet, so that the map is one with the page around it.
//
//   --paper     what everything lies on            --accent   cursor, lasso, selection
//   --ink       words and strong lines             --dot      points where nothing colours them
//   --unknown   points without label or number     --faint    points that are filtered out
//   --ramp-0 ... --ramp-4                          from low to high, for numbers and for density
//
// What the page does not set has a default for light and for dark, which is told from --paper, or where that is not
// set either, from what the system prefers.

import { rampStops } from "./palette.js";

/** @typedef {import("./palette.js").Rgb} Rgb */
/** @typedef {{dark: boolean, paper: Rgb, ink: Rgb, accent: Rgb, plain: Rgb, unknown: Rgb, faint: Rgb, ramp: Rgb[]}} Theme */

const LIGHT = {
  paper: [251, 250, 247],
  ink: [38, 38, 43],
  accent: [190, 24, 93],
  dot: [58, 90, 140],
  unknown: [176, 178, 184],
  faint: [226, 226, 226],
};
const DARK = {
  paper: [21, 22, 26],
  ink: [232, 232, 236],
  accent: [255, 122, 172],
  dot: [126, 166, 222],
  unknown: [96, 99, 108],
  faint: [44, 46, 52],
};

/** @type {OffscreenCanvasRenderingContext2D | null} */
let judge = null;

/** Any colour that the browser knows. @param {string} text @returns {Rgb | null} */
function parsed(text) {
  if (!text || !CSS.supports("color", text)) return null;
  judge ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  if (!judge) return null;
  judge.clearRect(0, 0, 1, 1);
  judge.fillStyle = text;
  judge.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = judge.getImageData(0, 0, 1, 1).data;
  return a ? [r, g, b] : null;
}

/** @param {Rgb} rgb */
const light = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b;

/** @param {HTMLElement} host @param {Record<string, string>} said colours that go before the page's @returns {Theme} */
export function themeOf(host, said = {}) {
  const style = getComputedStyle(host);
  const named = (/** @type {string} */ name) => parsed((said[name] ?? style.getPropertyValue(`--${name}`)).trim());
  const paper = named("paper");
  const dark = paper ? light(paper) < 128 : matchMedia("(prefers-color-scheme: dark)").matches;
  const own = /** @type {Record<string, any>} */ (dark ? DARK : LIGHT);
  const ramp = rampStops(dark).map((stop, k) => named(`ramp-${k}`) ?? stop);
  return {
    dark,
    ramp,
    paper: paper ?? own.paper,
    ink: named("ink") ?? own.ink,
    accent: named("accent") ?? own.accent,
    plain: named("dot") ?? own.dot,
    unknown: named("unknown") ?? own.unknown,
    faint: named("faint") ?? own.faint,
  };
}

/** Tell when the theme may have changed. @param {HTMLElement} host @param {() => void} told @returns {() => void} ends it */
export function followTheme(host, told) {
  const watcher = new MutationObserver(told);
  const attributes = { attributes: true, attributeFilter: ["class", "style", "data-theme"] };
  watcher.observe(document.documentElement, attributes);
  if (document.body) watcher.observe(document.body, attributes);
  watcher.observe(host, { attributes: true, attributeFilter: ["class", "data-theme"] });
  const queries = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"].map((q) => matchMedia(q));
  for (const query of queries) query.addEventListener("change", told);
  return () => {
    watcher.disconnect();
    for (const query of queries) query.removeEventListener("change", told);
  };
}
