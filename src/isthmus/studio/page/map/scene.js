// Everything that is drawn, and the frames: the camera, the points, the layers, and what joins them. The interface for
// the page is on top of it, in view.js.

import { Camera } from "./camera.js";
import { Teller } from "./events.js";
import { Overlay } from "./overlay.js";
import { css } from "./palette.js";
import { Points } from "./points.js";
import { Stage } from "./stage.js";
import { themeOf } from "./theme.js";
import { Thumbs } from "./thumbs.js";

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {"auto" | "points" | "pictures" | "density"} Mode */

const REST = 120; // milliseconds without movement until what was passed over in haste is drawn
const VIEW_EVERY = 200; // milliseconds between two "view" events

export class Scene extends Teller {
  /** @param {HTMLElement} host @param {Mode} mode */
  constructor(host, mode) {
    super();
    this.host = host;
    this.mode = mode;
    this.camera = new Camera();
    this.places = new Float32Array(0);
    /** @type {Grid | null} */
    this.grid = null;
    /** @type {import("./moving.js").Moving | null} */
    this.moving = null;
    /** @type {(() => void) | undefined} */
    this.arrived = undefined;
    /** @type {import("./palette.js").Colours} */
    this.colours = null;
    /** @type {Uint32Array | null} */
    this.selection = null;
    /** @type {{mask: ArrayLike<number> | ArrayLike<boolean>, how: "dim" | "hide"} | null} */
    this.filter = null;
    this.told = { at: -1e9, view: "" };
    this.later = 0;
    this.undressed = false;
    this.drawnFrom = "";
    this.rested = 0;
    this.stale = true; // the dots are not drawn as they are now
    this.pictures = false;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    /** @type {Record<string, string> | undefined} */
    this.said = undefined;
    this.stage = new Stage(host, (now, dirt) => this._frame(now, dirt), (...size) => this._resized(...size));
    this.layer = new Points(this.stage.points);
    this.thumbs = new Thumbs(this.stage.thumbs, () => this.stage.ask("thumbs"));
    this.overlay = new Overlay(this.stage.overlay);
    this.theme = themeOf(host);
  }

  wake() {
    this.stage.ask("overlay");
  }

  /** @param {Record<string, string>} [said] */
  setTheme(said) {
    this.said = said ?? this.said;
    this.theme = themeOf(this.host, this.said);
    this.host.style.backgroundColor = css(this.theme.paper);
    this.layer.paint(this.colours, this.theme);
    this.stage.ask();
  }

  /** @param {number} width @param {number} height @param {number} ratio */
  _resized(width, height, ratio) {
    this.camera.width = width;
    this.camera.height = height;
    this.layer.resize(width, height, ratio);
  }

  _undress() {
    this.undressed = true;
    this.stage.ask();
  }

  _dress() {
    if (!this.undressed || !this.grid) return;
    this.undressed = false;
    this.layer.dress(this.grid, this.colours, this.filter, this.selection);
  }

  /** @param {number} now @param {import("./stage.js").Dirt} dirt */
  _frame(now, dirt) {
    this._dress();
    this.flushSoon();
    const flown = this.camera.step(now);
    const moving = this._move(now);
    const all = flown || moving || dirt.points;
    const { ratio } = this.stage;
    if (this.grid) {
      const room = this.thumbs.room(this, now);
      if (all || dirt.thumbs) this.thumbs.draw(this, now, room, ratio);
      const dots = 1 - this.thumbs.shown; // dots stay until pictures are there, and then cost nothing
      this.stage.points.style.opacity = String(dots);
      this.stale ||= all;
      if (this.stale && dots > 0) {
        const from = `${this.camera.cx} ${this.camera.cy} ${this.camera.zoom}`;
        const haste = moving || from !== this.drawnFrom;
        this.drawnFrom = from;
        clearTimeout(this.rested);
        const passed = this.layer.draw(this.camera, this.grid, this.mode === "density", this.moving, haste);
        if (passed) this.rested = window.setTimeout(() => this.stage.ask("points"), REST);
        this.stale = false;
      }
      this._told(room > 0.5);
    }
    if (all || dirt.overlay) this.overlay.draw(this.camera, this.theme, ratio, this._dot());
    if (this.camera.flight || this.moving) this.stage.ask();
    this._tellView(now);
  }

  /** @param {number} now @returns {boolean} */
  _move(now) {
    if (!this.moving) return false;
    const whole = this.camera.zoom === 1 && !this.camera.flight;
    const under = this.moving.step(now);
    this.camera.extents = under ? this.moving.between() : this.moving.grid.extents;
    if (whole) this.camera.set(this.camera.whole());
    if (!under) {
      this.moving = null;
      this.arrived?.();
      this.stage.ask();
    }
    return under;
  }

  _dot() {
    return this.pictures || !this.grid ? 6 : this.layer.radius(this.camera, this.grid.count);
  }

  /** @param {boolean} pictures */
  _told(pictures) {
    if (pictures === this.pictures) return;
    this.pictures = pictures;
    this.emit("mode", { pictures });
  }

  /** @param {number} now */
  _tellView(now) {
    const view = this.camera.view();
    const said = `${view.cx} ${view.cy} ${view.zoom}`;
    if (said === this.told.view) return;
    clearTimeout(this.later);
    if (now - this.told.at < VIEW_EVERY) {
      this.later = window.setTimeout(() => this._tellView(performance.now()), VIEW_EVERY);
      return;
    }
    this.told = { at: now, view: said };
    this.emit("view", view);
  }

  destroy() {
    clearTimeout(this.later);
    clearTimeout(this.rested);
    this.thumbs.destroy();
    this.stage.destroy();
  }
}
