// Pictures that were decoded at the knots of a grid over a map: the nearest stands for a place that is pressed.

import { whole } from "../dom.js";
import { Sheets } from "./held.js";

export class Grid {
  /** @param {{ low: number[], high: number[], across: number, up: number, sheets: any }} about @param {import("../envelope.js").Numbers} share */
  constructor(about, share) {
    this.about = about;
    this.share = share;
    this.sheets = new Sheets(about.sheets);
  }

  /** The knot that is nearest: row by row from the top. @param {number[]} place */
  knot([x, y]) {
    const { low, high, across, up } = this.about;
    const on = (/** @type {number} */ v, /** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ many) =>
      Math.min(many - 1, Math.max(0, Math.round(((v - from) / (to - from || 1)) * (many - 1))));
    return (up - 1 - on(y, low[1], high[1], up)) * across + on(x, low[0], high[0], across);
  }

  get words() {
    return `from a grid of ${whole(this.about.across * this.about.up)} pictures`;
  }

  /** @param {number[]} place @returns {Promise<import("../envelope.js").Envelope>} */
  async picture(place) {
    const knot = this.knot(place);
    const { pixels, shape } = await this.sheets.pixels([knot]);
    return { header: { share: this.share[knot], words: this.words }, arrays: { pixels, code: new Float32Array(0) }, shapes: { pixels: shape } };
  }

  /** The pictures that lie along a path, each once as it is come to. @param {number[][]} places @returns {Promise<import("../envelope.js").Envelope>} */
  async film(places) {
    const knots = places.map((place) => this.knot(place)).filter((knot, i, all) => i === 0 || knot !== all[i - 1]);
    const { pixels, shape } = await this.sheets.pixels(knots);
    const share = Float32Array.from(knots, (knot) => this.share[knot]);
    return { header: { steps: knots.length, words: this.words }, arrays: { frames: pixels, share }, shapes: { frames: [knots.length, ...shape], share: [knots.length] } };
  }
}

/** So many places along a line through points, at an even speed. @param {number[][]} points @param {number} steps */
export function along(points, steps) {
  const walked = [0];
  for (let i = 1; i < points.length; i++) walked.push(walked[i - 1] + Math.hypot(points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]));
  const whole = walked[walked.length - 1];
  let leg = 0;
  return Array.from({ length: steps }, (_, step) => {
    const at = (whole * step) / (steps - 1);
    while (leg < points.length - 2 && walked[leg + 1] < at) leg++;
    const share = (at - walked[leg]) / (walked[leg + 1] - walked[leg] || 1);
    const [a, b] = [points[leg], points[leg + 1]];
    return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
  });
}
