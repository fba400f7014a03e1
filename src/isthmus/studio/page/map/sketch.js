// A line drawn by hand: the loop of the lasso, or a path of straight pieces or free strokes.

import { Lasso } from "./lasso.js";

/** @typedef {import("./view.js").MapView} MapView */

const APART = 3; // CSS pixels between two points of a free stroke

export class Sketch {
  /** @param {MapView} view */
  constructor(view) {
    this.view = view;
    this.lasso = new Lasso();
  }

  get drawing() {
    return this.view.overlay.drawing;
  }

  /** @param {number} sx @param {number} sy @param {boolean} closed */
  begin(sx, sy, closed) {
    this.view.overlay.drawing = { points: [...this.view.camera.toMap(sx, sy)], closed, tip: null };
    this.view.stage.ask("overlay");
  }

  /** A corner of a path. @param {number} sx @param {number} sy */
  add(sx, sy) {
    const drawing = this.drawing;
    if (!drawing || drawing.closed) this.begin(sx, sy, false);
    else if (this._far(sx, sy) > APART) drawing.points.push(...this.view.camera.toMap(sx, sy));
    this.view.stage.ask("overlay");
  }

  /** A free stroke goes on. @param {number} sx @param {number} sy */
  trace(sx, sy) {
    if (this.drawing && this._far(sx, sy) >= APART) {
      this.drawing.points.push(...this.view.camera.toMap(sx, sy));
      this.drawing.tip = null;
      this.view.stage.ask("overlay");
    }
  }

  /** Where the next corner would be. @param {number} sx @param {number} sy */
  tip(sx, sy) {
    if (!this.drawing || this.drawing.closed) return;
    this.drawing.tip = this.view.camera.toMap(sx, sy);
    this.view.stage.ask("overlay");
  }

  /** @param {number} sx @param {number} sy */
  _far(sx, sy) {
    const points = this.drawing?.points ?? [];
    const [x, y] = this.view.camera.toScreen(points[points.length - 2], points[points.length - 1]);
    return Math.hypot(sx - x, sy - y);
  }

  undo() {
    const drawing = this.drawing;
    if (!drawing) return;
    drawing.points.length = Math.max(0, drawing.points.length - 2);
    if (!drawing.points.length) this.cancel();
    this.view.stage.ask("overlay");
  }

  cancel() {
    this.view.overlay.drawing = null;
    this.view.stage.ask("overlay");
  }

  finishPath() {
    const points = this.drawing?.points ?? [];
    this.cancel();
    if (points.length >= 4) this.view.emit("path", { points: Float32Array.from(points) });
  }

  /** @param {import("./selection.js").How} how */
  async finishLasso(how) {
    const polygon = this.drawing?.points ?? [];
    this.cancel();
    if (polygon.length < 6 || !this.view.grid) return;
    const places = this.view.places;
    let rows = await this.lasso.rows(places, polygon);
    if (places !== this.view.places) return; // another map was chosen meanwhile
    const filter = this.view.filter;
    if (filter) rows = rows.filter((row) => filter.mask[row]);
    this.view.choose(rows, how, () => this.view.emit("lasso", { rows, mode: how, polygon }));
  }
}
