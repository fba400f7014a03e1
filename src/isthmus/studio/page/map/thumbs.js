// The layer of pictures: fetched as they are needed, faded in over the dots, framed in their class's colour.

import { Mosaic } from "./mosaic.js";
import { Pages } from "./pages.js";
import { css, inkColour } from "./palette.js";
import { inRuns } from "./points.js";

/** @typedef {import("./pages.js").Provider} Provider */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("./mosaic.js").Winner} Winner */
/** @typedef {import("./mosaic.js").Cells} Cells */

const FADE = 180; // milliseconds
const FRAME = 2; // CSS pixels of the frame in the class's colour
const NEAR = 1.25; // in "auto" nothing becomes a picture before this zoom: the first look is at the whole
const CROWD = 6; // points for each picture that there is room for: with more they stay dots
const COMING = 260; // milliseconds from dots to pictures

export class Thumbs {
  /** @param {HTMLCanvasElement} canvas @param {() => void} changed */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.changed = changed;
    /** @type {Pages | null} */
    this.pages = null;
    this.mosaic = new Mosaic();
    /** The cells before the last division, fading. @type {{cells: Cells, left: number} | null} */
    this.before = null;
    /** @type {Cells | null} */
    this.last = null;
    this.blank = true;
    this.there = 0; // the share of what is in view that has come
    this.shown = 0;
    this.presence = 0;
    this.since = 0;
    /** @type {import("./grid.js").Grid | null} */
    this.grid = null;
    /** The frames' colours, for as long as they are right. @type {{colours: any, theme: any, list: string[]} | null} */
    this.kept = null;
  }

  /** @param {Provider | null} provider */
  provide(provider) {
    this.pages?.destroy();
    this.pages = provider && new Pages(provider, this.changed);
    this.there = 0;
  }

  /** Points have other places, or others may be shown. */
  moved() {
    this.mosaic.forget();
    this.before = this.last = null;
  }

  /** How far pictures have taken the place of dots, 0 to 1: it is one or the other, and for a moment between.
   * @param {import("./scene.js").Scene} scene @param {number} now */
  room(scene, now) {
    const to = this._wanted(scene) ? 1 : 0;
    const step = scene.still.matches ? 1 : Math.min(1, Math.max(0, now - this.since) / COMING);
    this.since = now;
    this.presence = to > this.presence ? Math.min(to, this.presence + step) : Math.max(to, this.presence - step);
    if (this.presence !== to) this.changed();
    return this.presence;
  }

  /** @param {import("./scene.js").Scene} scene @returns {boolean} */
  _wanted({ camera, grid, mode, moving }) {
    if (!this.pages || !grid || !grid.count || moving || mode === "points" || mode === "density") return false;
    if (mode === "pictures") return true;
    if (camera.zoom < NEAR) return false;
    const crowd = inRuns(grid.runs(camera.seen()));
    const cells = Math.max(1, (camera.width * camera.height) / 60 ** 2);
    // Who stands at the border does not see them come and go with every step.
    return crowd / cells < (this.presence > 0 ? CROWD + 2 : CROWD);
  }

  /** @param {import("./scene.js").Scene} scene @param {number} now @param {number} room @param {number} ratio */
  draw(scene, now, room, ratio) {
    const { camera, grid } = scene;
    const c = this.context;
    if (this.blank === room > 0) this.canvas.style.display = room > 0 ? "block" : "none"; // an empty layer costs as well
    if (!this.blank) {
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.blank = true;
    }
    if (!room || !grid || !this.pages) {
      this.before = this.last = null;
      this.there = this.shown = 0;
      return;
    }
    this.grid = grid;
    const cells = this.mosaic.of(camera, grid, scene.layer.hidden);
    const still = scene.still.matches;
    if (this.last && this.last.level !== cells.level && !still) this.before = { cells: this.last, left: now };
    this.last = cells;
    this.blank = false;
    this.canvas.style.opacity = String(room);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.imageSmoothingQuality = "low";
    const over = this.before ? Math.min(1, (now - this.before.left) / FADE) : 1;
    let fading = over < 1;
    if (this.before) this._tiles(scene, this.before.cells, now, still ? 0 : 1 - over, []);
    if (over >= 1) this.before = null;
    /** @type {Winner[]} */
    const missing = [];
    const { came, young } = this._tiles(scene, cells, now, over, missing);
    fading ||= young;
    this.there = cells.winners.size ? came / cells.winners.size : 1;
    this.shown = room * Math.min(1, 2 * this.there);
    this._want(camera, missing, now);
    if (fading) this.changed();
  }

  /** @param {import("./scene.js").Scene} scene @param {Cells} cells @param {number} now @param {number} alpha
   * @param {Winner[]} missing filled with those that are not there */
  _tiles(scene, cells, now, alpha, missing) {
    const c = this.context;
    const { camera, layer } = scene;
    const grid = /** @type {import("./grid.js").Grid} */ (this.grid);
    const pages = /** @type {Pages} */ (this.pages);
    const colours = this._colours(scene);
    const chosen = layer.choosing ? new Set(layer.selected) : null;
    const fit = fitOf(cells, camera);
    const { size } = fit;
    let came = 0;
    let young = false;
    for (const winner of cells.winners.values()) {
      const { position } = winner;
      const held = pages.get(grid.rows[position], now);
      const [x, y] = cornerOf(winner, fit, grid, camera);
      if (!held) {
        // A picture that is on its way has its place, once some are there.
        missing.push(winner);
        c.globalAlpha = 0.3 * alpha * Math.min(1, 2 * this.there);
        c.fillStyle = colours[layer.inks[position]];
        c.fillRect(x, y, size, size);
        continue;
      }
      came++;
      if (x > camera.width || y > camera.height || x + size < 0 || y + size < 0) continue;
      const age = scene.still.matches ? 1 : Math.min(1, (now - held.page.arrived) / FADE);
      young ||= age < 1;
      const { bitmap, across, width, height } = held.page;
      const mine = chosen?.has(position);
      c.globalAlpha = alpha * age * (chosen && !mine ? 0.4 : 1);
      c.fillStyle = mine ? css(scene.theme.accent) : colours[layer.inks[position]];
      c.fillRect(x, y, size, size);
      const inset = FRAME + (mine ? 1 : 0);
      const [sx, sy] = [(held.slot % across) * width, Math.floor(held.slot / across) * height];
      // A picture keeps its shape: what is not square lies in the middle of its frame.
      const scale = (size - 2 * inset) / Math.max(width, height);
      const [w, h] = [width * scale, height * scale];
      c.drawImage(bitmap, sx, sy, width, height, x + (size - w) / 2, y + (size - h) / 2, w, h);
    }
    c.globalAlpha = 1;
    return { came, young };
  }

  /** @param {import("./scene.js").Scene} scene @returns {string[]} by ink */
  _colours({ colours, theme }) {
    if (this.kept?.colours !== colours || this.kept?.theme !== theme) {
      /** @type {string[]} */
      const list = Array.from({ length: 128 }, (_, ink) => css(inkColour(ink, colours, theme)));
      this.kept = { colours, theme, list };
    }
    return this.kept.list;
  }

  /** The middle of the screen first. @param {Camera} camera @param {Winner[]} missing @param {number} now */
  _want(camera, missing, now) {
    if (!missing.length || !this.pages || !this.grid) return;
    const far = (/** @type {Winner} */ w) => (w.cx - camera.cx) ** 2 + (w.cy - camera.cy) ** 2;
    missing.sort((a, b) => far(a) - far(b));
    const { rows } = this.grid;
    this.pages.want(missing.map((w) => rows[w.position]), now);
  }

  /** The row whose picture is there. @param {number} sx @param {number} sy @param {Camera} camera @returns {number | null} */
  rowAt(sx, sy, camera) {
    if (this.shown < 0.5 || !this.grid || !this.last) return null;
    const winner = this.mosaic.at(camera, sx, sy);
    if (!winner || !this.pages?.held.has(this.grid.rows[winner.position])) return null;
    const fit = fitOf(this.last, camera);
    const [x, y] = cornerOf(winner, fit, this.grid, camera);
    const { size } = fit;
    return sx >= x && sy >= y && sx <= x + size && sy <= y + size ? this.grid.rows[winner.position] : null;
  }

  /** Where a row's picture is: left, top, side in CSS pixels. @param {number | null} row @param {Camera} camera
   * @returns {[number, number, number] | null} */
  frameOf(row, camera) {
    if (row === null || this.shown < 0.5 || !this.grid || !this.last) return null;
    const position = this.grid.positions[row];
    for (const winner of this.last.winners.values()) {
      if (winner.position !== position || !this.pages?.held.has(row)) continue;
      const fit = fitOf(this.last, camera);
      return [...cornerOf(winner, fit, this.grid, camera), fit.size];
    }
    return null;
  }

  destroy() {
    this.pages?.destroy();
  }
}

/** Crowded cells are filled; where points are few, pictures are smaller, and may lie nearer to where they belong.
 * @param {Cells} cells @param {Camera} camera @returns {{size: number, slack: number}} slack: how far it may be off its middle */
function fitOf({ crowd, winners, unit }, camera) {
  const loose = Math.max(0, Math.min(1, 2 - crowd / Math.max(1, winners.size)));
  const cell = unit * camera.scale;
  const size = Math.round(cell * (0.95 - 0.2 * loose));
  return { size, slack: Math.max(0, (cell - size) / 2 - 1) };
}

/** @param {Winner} winner @param {{size: number, slack: number}} fit @param {import("./grid.js").Grid} grid
 * @param {Camera} camera @returns {[number, number]} left and top, whole pixels, within its cell */
function cornerOf({ position, cx, cy }, { size, slack }, grid, camera) {
  const [mx, my] = camera.toScreen(cx, cy);
  const [px, py] = camera.toScreen(grid.xs[position], grid.ys[position]);
  const hold = (/** @type {number} */ d) => Math.max(-slack, Math.min(slack, d));
  return [Math.round(mx + hold(px - mx) - size / 2), Math.round(my + hold(py - my) - size / 2)];
}
