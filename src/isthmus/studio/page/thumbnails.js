// Small pictures of rows, for panels: asked for together, kept for as long as they are likely to be wanted again.

import { postNumbers } from "./api.js";
import { el, paint } from "./dom.js";

const MOST = 4000;
const TOGETHER = 256;

export class Thumbnails {
  /** @param {string} run */
  constructor(run) {
    this.run = run;
    /** @type {Map<number, { pixels: Uint8Array, shape: number[] }>} */ this.kept = new Map();
    /** @type {Map<number, HTMLCanvasElement[]>} */ this.wanted = new Map();
    this.soon = 0;
  }

  /** For the map: pixels of these rows, one after another. @param {Uint32Array} rows */
  async fetch(rows) {
    const { arrays, shapes } = await postNumbers("thumbs", { run: this.run }, rows);
    const [, height, width, channels] = shapes.pixels;
    return { width, height, channels, pixels: /** @type {Uint8Array} */ (arrays.pixels) };
  }

  /** @param {number} row @returns {HTMLCanvasElement} */
  canvas(row) {
    const made = el("canvas", { width: 1, height: 1, "aria-hidden": "true" });
    const there = this.kept.get(row);
    if (there) paint(made, there.pixels, there.shape);
    else {
      this.wanted.set(row, [...(this.wanted.get(row) ?? []), made]);
      if (!this.soon) this.soon = setTimeout(() => this.bring(), 0);
    }
    return made;
  }

  async bring() {
    this.soon = 0;
    const waiting = [...this.wanted];
    this.wanted.clear();
    for (let i = 0; i < waiting.length; i += TOGETHER) {
      const some = waiting.slice(i, i + TOGETHER);
      const got = await this.fetch(Uint32Array.from(some.map(([row]) => row))).catch(() => null);
      if (!got) continue;
      const size = got.width * got.height * got.channels;
      some.forEach(([row, canvases], k) => {
        const one = { pixels: got.pixels.slice(k * size, (k + 1) * size), shape: [got.height, got.width, got.channels] };
        this.kept.set(row, one);
        for (const canvas of canvases) paint(canvas, one.pixels, one.shape);
      });
    }
    for (const row of this.kept.keys()) {
      if (this.kept.size <= MOST) break;
      this.kept.delete(row);
    }
  }
}
