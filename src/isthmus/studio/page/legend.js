// What the colours of a map mean: classes that can be pressed to choose their pictures, or a ramp from low to high.

import { el, fill, whole } from "./dom.js";
import { short } from "./plot.js";

const MOST = 24;

/** @param {HTMLElement} host @param {any} side @param {any} header @param {any} values */
export function legend(host, side, header, values) {
  host.hidden = false;
  if (header.kind === "numbers") {
    const style = getComputedStyle(document.documentElement);
    const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => side.view.rampColour?.(share) ?? style.getPropertyValue("--accent"));
    const ramp = el("span.ramp", { style: { background: `linear-gradient(90deg, ${stops.join(", ")})` } });
    fill(host, el("span", { title: header.words }, header.name), short(header.low), ramp, short(header.high));
    return;
  }
  const counts = new Map();
  for (const code of values) counts.set(code, (counts.get(code) ?? 0) + 1);
  const present = [...counts.keys()].filter((code) => code >= 0).sort((a, b) => a - b);
  if (!present.length && !counts.get(-1)) return void (host.hidden = true);
  const rows = (/** @type {number} */ code) => Uint32Array.from(indices(values, code));
  const press = (/** @type {number} */ code) => () => side.atlas.select(rows(code), side);
  const one = (/** @type {number} */ code) =>
    el("button", { title: `${header.names[code]}: ${whole(counts.get(code))} pictures; press to choose them`, onclick: press(code) },
      el("i", { style: { background: side.view.classColour(code) } }), el("span.word", null, header.names[code]));
  const unknown = counts.get(-1) ? el("button", { title: `${whole(counts.get(-1))} without one`, onclick: press(-1) }, el("i", { style: { background: "var(--unknown)" } }), "unknown") : null;
  fill(host, ...present.slice(0, MOST).map(one), present.length > MOST ? `and ${whole(present.length - MOST)} more` : null, unknown);
}

/** @param {ArrayLike<number>} values @param {number} wanted */
function* indices(values, wanted) {
  for (let i = 0; i < values.length; i++) if (values[i] === wanted) yield i;
}
