// The ways of designs over the map, drawn as they were gone; at once where motion is not wanted.

import { getNumbers } from "./api.js";

const LASTS = 1500;

export class Paths {
  /** @param {any} studio */
  constructor(studio) {
    this.studio = studio;
    this.view = studio.atlas.view;
    /** @type {{ design: number, points: number[] }[]} */ this.ways = [];
    /** @type {number | null} */ this.pointed = null;
    this.share = 1;
    this.frame = 0;
  }

  /** @param {string} run @param {string} id */
  async show(run, id, moving = true) {
    const map = this.studio.atlas.mapName;
    this.clear();
    if (!map) return;
    const { header, arrays } = await getNumbers("design/paths", { run, id, map });
    let begin = 0;
    this.ways = header.films.map((/** @type {number[]} */ [design, count]) => {
      const points = [...arrays.places.subarray(2 * begin, 2 * (begin + count))];
      begin += count;
      return { design, points };
    });
    const still = !moving || matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still) return this.draw(1);
    const began = performance.now();
    const step = (/** @type {number} */ now) => {
      this.draw(Math.min(1, (now - began) / LASTS));
      this.frame = this.share < 1 ? requestAnimationFrame(step) : 0;
    };
    this.frame = requestAnimationFrame(step);
  }

  /** @param {number | null} design */
  point(design) {
    this.pointed = design;
    if (!this.frame) this.draw(this.share);
  }

  /** Up to so much of the way. @param {number} share */
  draw(share) {
    this.share = share;
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
    const soft = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
    const one = this.ways.some((way) => way.design === this.pointed);
    this.view.setPaths(this.ways.map(({ design, points }) => ({ points: cut(points, share), colour: design === this.pointed ? ink : soft, dashed: one && design !== this.pointed, arrow: share === 1 && points.length > 2 })));
const looked = this.ways.find((way) => way.design === this.pointed);
    this.view.setMarks(looked && share === 1 ? [{ x: looked.points[looked.points.length - 2], y: looked.points[looked.points.length - 1], kind: "pin", colour: ink }] : []);
  }

  clear() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.ways = [];
    this.view.setPaths([]);
    this.view.setMarks([]);
  }
}

/** The first part of a way, its last piece cut where it has come to. @param {number[]} points @param {number} share */
function cut(points, share) {
  const pieces = points.length / 2 - 1;
  if (pieces < 1 || share >= 1) return points;
  const reached = share * pieces;
  const whole = Math.floor(reached);
  const part = reached - whole;
  const found = points.slice(0, 2 * (whole + 1));
  for (const k of [0, 1]) found.push(points[2 * whole + k] + part * (points[2 * whole + 2 + k] - points[2 * whole + k]));
  return found;
}
