// A slider with two ends over a histogram: a range that is open where an end stands at the edge.

import { el, fill } from "./dom.js";
import { svg } from "./plot.js";
import { told } from "./wishes.js";

const STEPS = 200;
const [WIDE, HIGH] = [200, 44];

export class Between {
  /** @param {any} about  name, from, to, bars, as the server tells of an attribute
   * @param {{ low: number | null, high: number | null }} range @param {(range: { low: number | null, high: number | null }) => void} then */
  constructor(about, range, then) {
    this.about = about;
    this.range = { ...range };
    this.then = then;
    this.bars = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", class: "bars", "aria-hidden": "true" });
    this.low = this.end("low", "from");
    this.high = this.end("high", "to");
    this.lowWords = this.number("low", "at least");
    this.highWords = this.number("high", "at most");
    this.element = el("div.between", null, el("div.over", null, this.bars, this.low, this.high), el("div.row.spread", null, this.lowWords, el("span.soft", null, "to"), this.highWords));
    this.show();
  }

  get step() {
    return (this.about.to - this.about.from) / STEPS;
  }

  /** @param {"low" | "high"} side @param {string} words */
  end(side, words) {
    const made = el("input", { type: "range", min: "0", max: String(STEPS), step: "1", "aria-label": `${this.about.name} ${words}` });
    made.addEventListener("input", () => {
      const at = Number(made.value);
      const other = side === "low" ? Number(this.high.value) : Number(this.low.value);
      const clear = side === "low" ? Math.min(at, other - 1) : Math.max(at, other + 1);
      made.value = String(clear);
      const edge = side === "low" ? clear <= 0 : clear >= STEPS;
      this.range[side] = edge ? null : this.about.from + clear * this.step;
      this.show();
      this.then(this.range);
    });
    return made;
  }

  /** @param {"low" | "high"} side @param {string} words */
  number(side, words) {
    const made = el("input.end", { type: "text", inputmode: "decimal", placeholder: "open", "aria-label": `${this.about.name} ${words}` });
    made.addEventListener("change", () => {
      const value = made.value.trim() === "" ? null : Number(made.value);
      this.range[side] = value === null || !Number.isFinite(value) ? null : value;
      this.show();
      this.then(this.range);
    });
    return made;
  }

  /** From outside. @param {{ low: number | null, high: number | null }} range */
  set(range) {
    this.range = { low: range.low, high: range.high };
    this.show();
  }

  show() {
    const { from, bars } = this.about;
    const place = (/** @type {number | null} */ value, /** @type {number} */ open) => (value === null ? open : Math.max(0, Math.min(STEPS, Math.round((value - from) / this.step))));
    const [low, high] = [place(this.range.low, 0), place(this.range.high, STEPS)];
    [this.low.value, this.high.value] = [String(low), String(high)];
    const reads = (/** @type {number | null} */ value) => (value === null ? "open" : told(value));
    this.low.setAttribute("aria-valuetext", reads(this.range.low));
    this.high.setAttribute("aria-valuetext", reads(this.range.high));
    for (const [box, value] of /** @type {[any, number | null][]} */ ([[this.lowWords, this.range.low], [this.highWords, this.range.high]])) {
      if (document.activeElement !== box) box.value = value === null ? "" : told(value);
    }
    const most = Math.max(1, ...bars);
    const width = WIDE / bars.length;
    fill(this.bars, ...bars.map((/** @type {number} */ count, /** @type {number} */ i) => {
      const inside = (i + 1) * width > (low / STEPS) * WIDE && i * width < (high / STEPS) * WIDE;
      const tall = count ? Math.max(1, (count / most) * HIGH) : 0;
      return svg("rect", { x: i * width + 0.5, y: HIGH - tall, width: width - 1, height: tall, class: inside ? "in" : "out" });
    }));
  }
}
