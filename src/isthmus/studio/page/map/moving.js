// Points on their way from one map to another. The index of where they go is made first, so that only the start waits
// for it; then every frame lays the points between, in the order of that index.

import { eased } from "./camera.js";

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./camera.js").Extents} Extents */

export class Moving {
  /**
   * @param {Grid} grid where to @param {(row: number) => [number, number]} from where a row is now
   * @param {Extents} extents what is all, now @param {number} ms
   */
  constructor(grid, from, extents, ms) {
    this.grid = grid;
    this.began = performance.now();
    this.ms = ms;
    this.t = 0;
    this.extents = extents;
    const n = grid.count;
    this.fromX = new Float32Array(n);
    this.fromY = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      const [x, y] = from(grid.rows[i]);
      const placed = x - x === 0 && y - y === 0;
      this.fromX[i] = placed ? x : grid.xs[i]; // who had no place appears where it belongs
      this.fromY[i] = placed ? y : grid.ys[i];
    }
    this.xs = this.fromX.slice();
    this.ys = this.fromY.slice();
  }

  /** @param {number} now @returns {boolean} whether it is still under way */
  step(now) {
    const t = (this.t = eased((now - this.began) / this.ms));
    if (t >= 1) return false;
    const { xs, ys, fromX, fromY, grid } = this;
    for (let i = 0; i < xs.length; i++) {
      xs[i] = fromX[i] + (grid.xs[i] - fromX[i]) * t;
      ys[i] = fromY[i] + (grid.ys[i] - fromY[i]) * t;
    }
    return true;
  }

  /** What is all, on the way from one map's extents to the other's. @returns {Extents} */
  between() {
    const [a, b, t] = [this.extents, this.grid.extents, this.t];
    const mix = (/** @type {"x0" | "y0" | "x1" | "y1"} */ side) => a[side] + (b[side] - a[side]) * t;
    return { x0: mix("x0"), y0: mix("y0"), x1: mix("x1"), y1: mix("y1") };
  }
}
