// Small line plots as SVG, built as elements: curves with a band, in the colours of the page.

const SPACE = "http://www.w3.org/2000/svg";

/** @param {string} kind @param {Record<string, any>} about @param {...(Node | string)} inside */
export function svg(kind, about, ...inside) {
  const made = document.createElementNS(SPACE, kind);
  for (const [name, value] of Object.entries(about)) made.setAttribute(name, String(value));
  made.append(...inside);
  return made;
}

/**
 * @typedef {{ name: string, colour: string, points: { x: number, y: number, low?: number, high?: number }[], dashed?: boolean }} Line
 * @param {Line[]} lines
 * @param {{ width?: number, height?: number, x?: string, y?: string, label?: string, logY?: boolean, from?: number, to?: number,
 *           percent?: boolean, marks?: { x: number, words: string }[] }} about  marks are upright lines, where something begins
 */
export function plot(lines, about = {}) {
  const { width = 320, height = 170, x = "", y = "", logY = false } = about;
  const [left, right, top, bottom] = [46, 10, 12, 30];
  const all = lines.flatMap((line) => line.points).filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y) && (!logY || p.y > 0));
  const made = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": about.label ?? `${y} against ${x}` });
  if (!all.length) return made;
  const on = (/** @type {number} */ v) => (logY ? Math.log10(Math.max(v, 1e-12)) : v);
  const [x0, x1] = stretched(Math.min(...all.map((p) => p.x)), Math.max(...all.map((p) => p.x)));
  const [y0, y1] = stretched(on(about.from ?? Math.min(...all.map((p) => p.low ?? p.y))), on(about.to ?? Math.max(...all.map((p) => p.high ?? p.y))));
  const ax = (/** @type {number} */ v) => left + ((v - x0) / (x1 - x0)) * (width - left - right);
  const ay = (/** @type {number} */ v) => height - bottom - ((on(v) - y0) / (y1 - y0)) * (height - top - bottom);
  for (const value of ticks(y0, y1, 4)) {
    const shown = logY ? 10 ** value : value;
    made.append(svg("line", { x1: left, x2: width - right, y1: ay(shown), y2: ay(shown), stroke: "var(--line)" }));
    made.append(words(left - 6, ay(shown) + 4, about.percent ? `${Math.round(100 * shown)} %` : short(shown), "end"));
  }
  const counted = all.every((p) => Number.isInteger(p.x)); // there is no label and a half
  for (const value of ticks(x0, x1, 5).filter((v) => !counted || Number.isInteger(v))) made.append(words(ax(value), height - bottom + 14, short(value), "middle"));
  made.append(words(width - right, height - 3, x, "end"), words(2, top - 2, y, "start"));
  for (const mark of about.marks ?? []) {
    made.append(svg("line", { x1: ax(mark.x), x2: ax(mark.x), y1: top, y2: height - bottom, stroke: "var(--soft)", "stroke-dasharray": "3 3", opacity: 0.7 }));
    made.append(words(ax(mark.x) + 4, top + 10, mark.words, "start"));
  }
  for (const line of lines) {
    const shown = line.points.filter((p) => Number.isFinite(p.y) && (!logY || p.y > 0));
    if (!shown.length) continue;
    if (shown.some((p) => p.low !== undefined)) {
      const over = shown.map((p) => `${ax(p.x)},${ay(p.high ?? p.y)}`);
      const under = shown.map((p) => `${ax(p.x)},${ay(p.low ?? p.y)}`).reverse();
      made.append(svg("polygon", { points: [...over, ...under].join(" "), fill: line.colour, opacity: 0.16 }));
    }
    const way = shown.map((p) => `${ax(p.x).toFixed(1)},${ay(p.y).toFixed(1)}`).join(" ");
    made.append(svg("polyline", { points: way, fill: "none", stroke: line.colour, "stroke-width": 1.8, ...(line.dashed ? { "stroke-dasharray": "4 3" } : {}) }));
    const end = shown[shown.length - 1];
    made.append(svg("circle", { cx: ax(end.x), cy: ay(end.y), r: 2.6, fill: line.colour }));
  }
  return made;
}

const words = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ text, /** @type {string} */ anchor) =>
  svg("text", { x, y, fill: "var(--soft)", "font-size": 11, "text-anchor": anchor }, text);

/** @param {number} low @param {number} high */
const stretched = (low, high) => (high > low ? [low, high] : [low - 0.5, high + 0.5]);

/** Round numbers between two, about so many. @param {number} low @param {number} high @param {number} count */
export function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw) ?? raw;
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) found.push(+v.toPrecision(10));
  return found;
}

/** @param {number} v */
export function short(v) {
  const size = Math.abs(v);
  if (size >= 1e6) return `${+(v / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${+(v / 1e3).toPrecision(3)} k`;
  return size && size < 1e-3 ? v.toExponential(0) : String(+v.toPrecision(3));
}
