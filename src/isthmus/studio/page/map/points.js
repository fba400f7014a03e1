// The layer of dots: which of them are in view, how large they are, and who is dimmed; or the density of all of them.

import { Density } from "./density.js";
import { ACCENT, FAINT, inkColours, inkOf, NOTHING, PAPER } from "./palette.js";
import { FULL, layDiscs, layPixels, laySquares, mixTable, resolve, stampOf } from "./raster.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./raster.js").Stamp} Stamp */

const EDGE = 24; // pixels around the picture, so that no dot is cut while it is laid
const MOST_PIXELS = 2.6e6; // a screen with more is drawn a little coarser: dots need no such resolution
const IN_HASTE = 1.2e6; // points in view that are drawn while everything moves; of more, evenly spread ones
const LARGEST = 5.5; // radius of a dot in CSS pixels

export class Points {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    if (!context) throw new Error("this browser draws no 2-D canvas");
    this.context = context;
    this.ratio = 1;
    this.wide = 1;
    this.high = 1;
    this.image = new ImageData(1, 1);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.table = new Int32Array(65536);
    this.alpha = -1;
    /** @type {Int32Array} */
    this.inkTable = new Int32Array(256);
    this.inks = new Uint8Array(0);
    /** Positions of what is selected, and by position what may not be pointed at (null: all may). */
    this.selected = new Uint32Array(0);
    /** @type {Uint8Array | null} */
    this.hidden = null;
    /** @type {Map<string, Stamp>} */
    this.stamps = new Map();
    this.choosing = false;
    this.byClass = false;
    /** @type {import("./theme.js").Theme | null} */
    this.theme = null;
    /** @type {{coloured: boolean, table: Int32Array} | null} */
    this.shadeTable = null;
    this.density = new Density();
  }

  /** @param {number} width @param {number} height @param {number} ratio device pixels a CSS pixel */
  resize(width, height, ratio) {
    this.ratio = Math.min(ratio, Math.sqrt(MOST_PIXELS / (width * height)));
    this.canvas.width = Math.max(1, Math.round(width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(height * this.ratio));
    this.wide = this.canvas.width + 2 * EDGE;
    this.high = this.canvas.height + 2 * EDGE;
    this.image = new ImageData(this.wide, this.high);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.stamps.clear();
  }

  /**
   * Inks in the grid's order; to be called when points, colours, filter or selection have changed.
   * @param {Grid} grid @param {import("./palette.js").Colours} colours
   * @param {{mask: ArrayLike<number> | ArrayLike<boolean>, how: "dim" | "hide"} | null} filter
   * @param {Uint32Array | null} selection
   */
  dress(grid, colours, filter, selection) {
    const { rows, count, positions } = grid;
    if (this.inks.length !== count) this.inks = new Uint8Array(count);
    for (let i = 0; i < count; i++) this.inks[i] = inkOf(colours, rows[i]);
    this.hidden = null;
    if (filter) {
      this.hidden = new Uint8Array(count);
      const out = filter.how === "hide" ? NOTHING : FAINT;
      for (let i = 0; i < count; i++) {
        if (filter.mask[rows[i]]) continue;
        this.inks[i] = out;
        this.hidden[i] = 1;
      }
    }
    const chosen = Array.from(selection ?? [], (row) => positions[row] ?? -1);
    this.selected = Uint32Array.from(chosen.filter((at) => at >= 0));
    this.choosing = selection !== null && selection.length > 0;
  }

  /** @param {import("./palette.js").Colours} colours @param {import("./theme.js").Theme} theme */
  paint(colours, theme) {
    this.inkTable = inkColours(colours, theme);
    this.theme = theme;
    this.byClass = colours?.kind === "classes";
    this.shadeTable = null;
    this.alpha = -1;
  }

  /** The radius of a dot in CSS pixels: what so many points share of the screen, and it grows as one goes nearer.
   * @param {Camera} camera @param {number} count */
  radius(camera, count) {
    return Math.max(0.5, Math.min(LARGEST, Math.sqrt((0.1 * shareOf(camera, count)) / Math.PI)));
  }

  /**
   * @param {Camera} camera @param {Grid} grid @param {boolean} dense
   * @param {{xs: Float32Array, ys: Float32Array} | null} moving places on their way, in the grid's order
   * @param {boolean} haste another frame will follow at once @returns {boolean} whether points were passed over for haste
   */
  draw(camera, grid, dense, moving = null, haste = false) {
    const r = this.ratio;
    const s = camera.scale * r;
    const { xs, ys } = moving ?? grid;
    const target = {
      pixels: this.pixels,
      wide: this.wide,
      high: this.high,
      sx: s,
      tx: (camera.width / 2) * r - camera.cx * s + EDGE,
      sy: -s,
      ty: (camera.height / 2) * r + camera.cy * s + EDGE,
    };
    const runs = moving ? [0, grid.count] : grid.runs(camera.seen(EDGE / r));
    // Neighbours in the arrays are neighbours on the map: every n-th is an even sample of every place.
    const step = haste ? Math.max(1, Math.ceil(inRuns(runs) / IN_HASTE)) : 1;
    if (dense && this.theme) {
      this.density.draw(this, target, runs, xs, ys, EDGE, shareOf(camera, grid.count), step);
      return step > 1;
    }
    const radius = this.radius(camera, grid.count) * r;
    this.pixels.fill(0);
    this._mixed(radius);
    for (let k = 0; k < runs.length; k += 2) this._lay(target, xs, ys, runs[k], runs[k + 1], radius, step);
    if (this.selected.length) this._laySelected(target, xs, ys, Math.max(radius, 1.6 * r));
    resolve(this.pixels, this.table);
    this.context.putImageData(this.image, -EDGE, -EDGE, EDGE, EDGE, this.canvas.width, this.canvas.height);
    return step > 1;
  }

  /** @param {import("./raster.js").Target} target @param {Float32Array} xs @param {Float32Array} ys
   * @param {number} from @param {number} to @param {number} radius @param {number} step */
  _lay(target, xs, ys, from, to, radius, step) {
    const strength = this.choosing ? 0.34 : 1; // what is not selected steps back
    const weight = Math.round(FULL * strength * step);
    if (radius < 0.75) layPixels(target, xs, ys, this.inks, from, to, weight, step);
    else if (radius < 1.3) laySquares(target, xs, ys, this.inks, from, to, weight, step);
    else layDiscs(target, xs, ys, this.inks, from, to, this._stamp(radius, strength));
  }

  /** Above all others, each with a halo of paper and accent. @param {import("./raster.js").Target} target
   * @param {Float32Array} xs @param {Float32Array} ys @param {number} radius */
  _laySelected(target, xs, ys, radius) {
    const { inks, selected } = this;
    const few = selected.length < 20000;
    if (few) {
      layDiscs(target, xs, ys, inks, 0, selected.length, this._stamp(radius + 2.5 * this.ratio, 2), selected, ACCENT);
      layDiscs(target, xs, ys, inks, 0, selected.length, this._stamp(radius + this.ratio, 2), selected, PAPER);
    }
    layDiscs(target, xs, ys, inks, 0, selected.length, this._stamp(radius, 2), selected);
  }

  /** @param {number} radius @param {number} strength @returns {Stamp} */
  _stamp(radius, strength) {
    const near = Math.round(radius * 4) / 4;
    const key = `${near} ${strength}`;
    let stamp = this.stamps.get(key);
    if (!stamp) {
      stamp = stampOf(near, this.wide, strength, near >= 3 * this.ratio && strength < 2 ? this.ratio : 0);
      this.stamps.set(key, stamp);
    }
    return stamp;
  }

  /** One pixel a point: half transparent, so that crowds show as depth. Large dots: nearly opaque. @param {number} radius */
  _mixed(radius) {
    const alpha = Math.round(100 * Math.max(0.5, Math.min(0.92, 0.35 + 0.3 * radius))) / 100;
    if (alpha === this.alpha || !this.theme) return;
    this.alpha = alpha;
    const [r, g, b] = this.theme.paper;
    mixTable(this.inkTable, r | (g << 8) | (b << 16), alpha, this.table);
  }
}

/** What of the screen each point would have to itself, in CSS pixels, squared. It is told from zoom and number, not from
 * what is in view, so that nothing changes its size while one pans. @param {Camera} camera @param {number} count */
function shareOf(camera, count) {
  return (camera.width * camera.height) / Math.max(1, count / Math.pow(Math.max(camera.zoom, 0.5), 1.5));
}

/** @param {number[]} runs @returns {number} how many positions they hold */
export function inRuns(runs) {
  let count = 0;
  for (let k = 0; k < runs.length; k += 2) count += runs[k + 1] - runs[k];
  return count;
}
