// The map: every picture a point, to be panned, zoomed, pointed at, pressed and lassoed; near enough, dots are pictures.
//
//   const map = new MapView(host, { describe: (row) => "a 7, number 123", label: "Map of 60,000 pictures", tool, mode })
//
// The host is any element with a size; it becomes focusable, role "application". Map coordinates have y up; zoom 1 shows
// everything. Rows are row numbers of the data set. Colours come from the page's style sheet: see theme.js.
//
//   setPoints(places, { keepView })   x0, y0, x1, y1, ... (Float32Array, kept, not copied); NaN is not drawn. -> extents
//   moveTo(places, ms)                the same rows go to other places                       -> promise of the arrival
//   setColours(colours)               { kind: "classes", codes, names } | { kind: "numbers", values, low, high } | null
//   colourOf(row) classColour(code)   CSS colours, for legends and cards
//   setMode(mode)                     "auto" dots that become pictures when near | "points" | "pictures" | "density"
//   setTool(tool)                     "point" | "pan" | "lasso" | "path"
//   setSelection(rows | null)         others step back; no event. choose(rows, how) is what a hand does, with events
//   setFilter(mask | null, how)       mask[row] false is dimmed ("dim") or not drawn ("hide"), and never pointed at
//   setThumbs(provider | null)        (rows: Uint32Array, at most 512) => Promise<{ width, height, channels, pixels }>
//   setPaths([{ points, colour?, dashed?, arrow? }])   setMarks([{ x, y, kind: "pin" | "ghost" | "ring", label? }])
//   setTheme(colours?)                read the style sheet again; colours by name go before it, { paper: "#fff" }
//   getView() setView({ cx, cy, zoom }, animate) fit(animate) zoomAt(sx, sy, factor) panBy(dx, dy)
//   toScreen(x, y) toMap(sx, sy)      CSS pixels of the host
//   pick(sx, sy, radius?)             the row there, or null
//   goTo(row)                         put the keyboard's cursor on a row, and bring it into view
//   on(type, listener)                -> a function that ends it; listener gets the detail. Or addEventListener
//   destroy()
//
// Events, by what their detail holds (screen: [sx, sy] in CSS pixels; pointer: "mouse" | "touch" | "pen" | "keys"):
//   hover    { row | null, x, y, screen | null, pointer }   at most once a frame; screen null: the pointer has left
//   press    { row | null, x, y, screen, pointer }          tool "point": the hand comes down ...
//   drag     { x, y, screen, pointer }                      ... moves, at most once a frame ...
//   release  { row | null, x, y, screen, pointer }          ... and lets go (also when a second finger makes it a pinch)
//   open     { row }                                        double press, or Enter
//   lasso    { rows, mode: "replace" | "add" | "subtract", polygon }   rows in the loop; then "select"
//   select   { rows: Uint32Array | null, mode }             the selection after a hand changed it (lasso, press, Space, Escape)
//   path     { points: Float32Array }                       tool "path": corners by presses, or a free stroke
//   view     { cx, cy, zoom }                               at most five a second, and once at rest
//   mode     { pictures: boolean }                          dots have become pictures, or have become dots again
//
// Hands: the tool acts with one pointer; two fingers, the wheel, the right button and the space bar held pan and zoom
// under every tool. Lasso: Shift adds, Alt takes away; a press chooses one, a press on nothing clears. Path: presses set
// corners, a double press or Enter ends it, Backspace takes the last back, Escape all.
// Keys: arrows pan, + and - zoom, 0 shows everything; Shift with arrows walks from picture to picture, n and p on and
// back; Enter opens, Space selects, Escape clears.

import { Gestures } from "./gestures.js";
import { Grid } from "./grid.js";
import { Keys } from "./keys.js";
import { Moving } from "./moving.js";
import { classColour, css, inkColour, inkOf } from "./palette.js";
import { Pointing } from "./pointing.js";
import { Scene } from "./scene.js";
import { joined } from "./selection.js";
import { Sketch } from "./sketch.js";
import { followTheme } from "./theme.js";

/** @typedef {import("./camera.js").View} View */
/** @typedef {import("./scene.js").Mode} Mode */
/**
 * @typedef {object} Options
 * @property {(row: number) => string | Promise<string>} [describe] what is read out of a row
 * @property {string} [label] @property {import("./gestures.js").Tool} [tool] @property {Mode} [mode]
 */

const FLIGHT = 420; // milliseconds to a view that is asked for

export class MapView extends Scene {
  /** @param {HTMLElement} host @param {Options} options */
  constructor(host, options = {}) {
    super(host, options.mode ?? "auto");
    this.tool = options.tool ?? "point";
    if (!host.hasAttribute("tabindex")) host.tabIndex = 0;
    host.setAttribute("role", "application");
    if (!host.hasAttribute("aria-label")) host.setAttribute("aria-label", options.label ?? "Map of pictures");
    this.pointing = new Pointing(this, options.describe ?? ((row) => `picture ${row}`));
    this.sketch = new Sketch(this);
    this.gestures = new Gestures(this);
    this.keys = new Keys(this);
    this.endTheme = followTheme(host, () => this.setTheme());
    this.setTheme();
    this.setTool(this.tool);
    this.stage.start();
  }

  // -- what is shown --------------------------------------------------------------------------------------------------

  /** @param {Float32Array} places @param {{keepView?: boolean}} options @returns {import("./camera.js").Extents} */
  setPoints(places, { keepView = false } = {}) {
    this.moving = null;
    const before = this.camera.view();
    const scale = this.camera.scale;
    this._placed(places);
    this.camera.extents = this.grid.extents;
    this.camera.flight = null;
    this.camera.set(keepView ? { ...before, zoom: (this.camera.zoom * scale) / this.camera.scale } : this.camera.whole());
    return this.grid.extents;
  }

  /** @param {Float32Array} places @param {number} ms @returns {Promise<void>} */
  moveTo(places, ms = 900) {
    const old = this.grid;
    if (!old || !old.count || this.still.matches || ms <= 0) {
      this.setPoints(places);
      return Promise.resolve();
    }
    const { xs, ys } = this.moving ?? old;
    this._placed(places);
    /** @param {number} row @returns {[number, number]} */
    const from = (row) => {
      const at = row < old.rowsGiven ? old.positions[row] : -1;
      return at < 0 ? [NaN, NaN] : [xs[at], ys[at]];
    };
    this.arrived?.();
    this.moving = new Moving(/** @type {Grid} */ (this.grid), from, this.camera.extents, ms);
    if (this.camera.zoom !== 1 || this.camera.flight) this.camera.fly(this.camera.whole(), ms, performance.now());
    return new Promise((resolve) => (this.arrived = resolve));
  }

  /** @param {Float32Array} places @returns {asserts this is {grid: Grid}} */
  _placed(places) {
    this.places = /** @type {Float32Array<ArrayBuffer>} */ (places);
    this.grid = new Grid(places);
    this.pointing.leave();
    this.thumbs.moved();
    this._undress();
  }

  /** @param {import("./palette.js").Colours} colours */
  setColours(colours) {
    this.colours = colours;
    this.layer.paint(colours, this.theme);
    this._undress();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.stage.ask();
  }

  /** @param {Uint32Array | null} rows */
  setSelection(rows) {
    this.selection = rows && rows.length ? rows : null;
    this._undress();
  }

  /** @param {ArrayLike<number> | ArrayLike<boolean> | null} mask @param {"dim" | "hide"} how */
  setFilter(mask, how = "dim") {
    this.filter = mask && { mask, how };
    this.thumbs.moved();
    this._undress();
  }

  /** @param {import("./thumbs.js").Provider | null} provider */
  setThumbs(provider) {
    this.thumbs.provide(provider);
    this.stage.ask();
  }

  /** @param {import("./overlay.js").Path[]} paths */
  setPaths(paths) {
    this.overlay.paths = paths;
    this.stage.ask("overlay");
  }

  /** @param {import("./overlay.js").Mark[]} marks */
  setMarks(marks) {
    this.overlay.marks = marks;
    this.stage.ask("overlay");
  }

  /** @param {number} code */
  classColour(code) {
    return css(code < 0 ? this.theme.unknown : classColour(code, this.theme.dark));
  }

  /** @param {number} row */
  colourOf(row) {
    return css(inkColour(inkOf(this.colours, row), this.colours, this.theme));
  }

  // -- where one looks from -------------------------------------------------------------------------------------------

  getView() {
    return this.camera.view();
  }

  /** @param {View} view */
  setView(view, animate = false) {
    this.camera.fly(view, animate && !this.still.matches ? FLIGHT : 0, performance.now());
    this.stage.ask();
  }

  fit(animate = false) {
    this.setView(this.camera.whole(), animate);
  }

  /** @param {number} sx @param {number} sy @param {number} factor @param {number} ms */
  zoomAt(sx, sy, factor, ms = 0) {
    const to = { ...this.camera.view(), zoom: this.camera.aim * factor };
    this.camera.fly(to, this.still.matches ? 0 : ms, performance.now(), [sx, sy]);
    this.stage.ask();
  }

  /** @param {number} dx @param {number} dy @param {number} ms */
  panBy(dx, dy, ms = 0) {
    const aim = this.camera.flight && !this.camera.flight.anchor ? this.camera.flight.to : this.camera.view();
    const s = this.camera.scale;
    if (ms) this.setView({ ...aim, cx: aim.cx - dx / s, cy: aim.cy + dy / s }, true);
    else this.camera.pan(dx, dy);
    this.stage.ask();
  }

  /** @param {number} x @param {number} y */
  toScreen(x, y) {
    return this.camera.toScreen(x, y);
  }

  /** @param {number} sx @param {number} sy */
  toMap(sx, sy) {
    return this.camera.toMap(sx, sy);
  }

  // -- hands ----------------------------------------------------------------------------------------------------------

  /** @param {number} sx @param {number} sy @param {number} radius in CSS pixels @returns {number | null} */
  pick(sx, sy, radius = 12) {
    if (!this.grid || this.moving) return null;
    this._dress();
    const pictured = this.thumbs.rowAt(sx, sy, this.camera);
    if (pictured !== null || this.thumbs.shown === 1) return pictured; // between pictures there is nothing to be seen
    const at = this.grid.nearest(...this.camera.toMap(sx, sy), radius / this.camera.scale, this.layer.hidden);
    return at < 0 ? null : this.grid.rows[at];
  }

  /** @param {number} row */
  goTo(row) {
    this.pointing.goTo(row);
  }

  /** What a hand chooses. @param {Uint32Array} rows @param {import("./selection.js").How} how @param {() => void} first */
  choose(rows, how, first = () => {}) {
    this.setSelection(joined(this.selection, rows, how));
    first();
    this.emit("select", { rows: this.selection, mode: how });
  }

  /** @param {import("./gestures.js").Tool} tool */
  setTool(tool) {
    if (tool !== this.tool) this.sketch.cancel();
    this.tool = tool;
    this.showTool(false);
  }

  /** @param {boolean} grabbing */
  showTool(grabbing) {
    const own = { pan: "grab", point: "default", lasso: "crosshair", path: "crosshair" };
    this.host.style.cursor = grabbing ? "grabbing" : own[this.tool];
  }

  destroy() {
    this.endTheme();
    for (const part of [this.gestures, this.keys, this.pointing, this.sketch.lasso]) part.destroy();
    super.destroy();
  }
}
