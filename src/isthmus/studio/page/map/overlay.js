// What lies over the points: paths, marks, the lasso while it is drawn, the ring about what is pointed at, the focus.

import { css } from "./palette.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {{points: ArrayLike<number>, colour?: string, dashed?: boolean, arrow?: boolean}} Path */
/** @typedef {{x: number, y: number, kind: "pin" | "ghost" | "ring", label?: string, colour?: string}} Mark */

/** @typedef {{x: number, y: number, strong: boolean, frame: () => [number, number, number] | null}} Ring */

export class Overlay {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {Path[]} */
    this.paths = [];
    /** @type {Mark[]} */
    this.marks = [];
    /** What a hand is drawing: map coordinates. @type {{points: number[], closed: boolean, tip: number[] | null} | null} */
    this.drawing = null;
    /** Rings about what is pointed at, in map coordinates; about a picture a frame. @type {Ring[]} */
    this.rings = [];
    this.focused = false;
    this.blank = true;
  }

  get empty() {
    return !(this.paths.length || this.marks.length || this.drawing || this.rings.length || this.focused);
  }

  /** @param {Camera} camera @param {import("./theme.js").Theme} theme @param {number} ratio @param {number} dot radius */
  draw(camera, theme, ratio, dot) {
    if (this.blank && this.empty) return; // a canvas that is touched is copied to the screen again
    const c = this.context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, camera.width, camera.height);
    this.blank = this.empty;
    this.canvas.style.display = this.blank ? "none" : "block"; // an empty layer costs as much as a full one
    c.lineJoin = c.lineCap = "round";
    for (const path of this.paths) this._path(camera, theme, path);
    for (const mark of this.marks) this._mark(camera, theme, mark);
    if (this.drawing) this._drawing(camera, theme, this.drawing);
    for (const ring of this.rings) this._ring(camera, theme, ring, dot);
    if (this.focused) {
      c.strokeStyle = css(theme.accent);
      c.lineWidth = 3;
      c.strokeRect(1.5, 1.5, camera.width - 3, camera.height - 3);
    }
  }

  /** A line on paper of its own, so that it is seen over any colour. @param {string} colour @param {number} width
   * @param {import("./theme.js").Theme} theme */
  _stroked(colour, width, theme) {
    const c = this.context;
    c.globalAlpha = 0.85;
    c.strokeStyle = css(theme.paper);
    c.lineWidth = width + 3;
    c.stroke();
    c.globalAlpha = 1;
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.stroke();
  }

  /** @param {Camera} camera @param {ArrayLike<number>} points @param {boolean} closed */
  _line(camera, points, closed) {
    const c = this.context;
    c.beginPath();
    for (let k = 0; k + 1 < points.length; k += 2) c.lineTo(...camera.toScreen(points[k], points[k + 1]));
    if (closed) c.closePath();
  }

  /** @param {Camera} camera @param {import("./theme.js").Theme} theme @param {Path} path */
  _path(camera, theme, path) {
    const n = path.points.length;
    if (n < 4) return;
    const c = this.context;
    const colour = path.colour ?? css(theme.ink);
    c.setLineDash(path.dashed ? [2, 7] : []);
    this._line(camera, path.points, false);
    this._stroked(colour, 2, theme);
    c.setLineDash([]);
    if (!path.arrow) return;
    const [bx, by] = camera.toScreen(path.points[n - 2], path.points[n - 1]);
    let [ax, ay] = [bx, by];
    for (let k = n - 4; k >= 0 && Math.hypot(bx - ax, by - ay) < 6; k -= 2) {
      [ax, ay] = camera.toScreen(path.points[k], path.points[k + 1]); // short last steps say little about the direction
    }
    const turn = Math.atan2(by - ay, bx - ax);
    c.beginPath();
    for (const side of [-0.45, 0, 0.45]) {
      const far = side ? 13 : 0;
      const [x, y] = [bx - far * Math.cos(turn + side), by - far * Math.sin(turn + side)];
      if (side < 0) c.moveTo(x, y);
      else c.lineTo(x, y);
    }
    this._stroked(colour, 2, theme);
  }

  /** @param {Camera} camera @param {import("./theme.js").Theme} theme @param {Mark} mark */
  _mark(camera, theme, mark) {
    const c = this.context;
    const [x, y] = camera.toScreen(mark.x, mark.y);
    const colour = mark.colour ?? css(mark.kind === "ghost" ? theme.ink : theme.accent);
    c.beginPath();
    if (mark.kind === "pin") {
      c.arc(x, y - 17, 8, Math.PI * 0.8, Math.PI * 0.2);
      c.quadraticCurveTo(x + 3, y - 6, x, y);
      c.quadraticCurveTo(x - 3, y - 6, x - 8 * Math.cos(Math.PI * 0.2), y - 17 + 8 * Math.sin(Math.PI * 0.2));
      c.closePath();
      c.fillStyle = colour;
      c.strokeStyle = css(theme.paper);
      c.lineWidth = 3;
      c.stroke();
      c.fill();
      c.beginPath();
      c.arc(x, y - 17, 3, 0, 7);
      c.fillStyle = css(theme.paper);
      c.fill();
    } else {
      c.setLineDash(mark.kind === "ghost" ? [3, 4] : []);
      c.arc(x, y, mark.kind === "ghost" ? 9 : 7, 0, 7);
      this._stroked(colour, 2, theme);
      c.setLineDash([]);
    }
    if (mark.label) this._label(mark.label, x, mark.kind === "pin" ? y - 34 : y - 18, camera, theme);
  }

  /** @param {string} text @param {number} x @param {number} y @param {Camera} camera
   * @param {import("./theme.js").Theme} theme */
  _label(text, x, y, camera, theme) {
    const c = this.context;
    c.font = `600 13px ${getComputedStyle(this.canvas).fontFamily || "system-ui, sans-serif"}`;
    const half = c.measureText(text).width / 2;
    c.textAlign = "center";
    c.textBaseline = "middle";
    const at = Math.max(half + 6, Math.min(camera.width - half - 6, x)); // a word at the edge is still whole
    const up = Math.max(12, y);
    c.strokeStyle = css(theme.paper);
    c.lineWidth = 4;
    c.strokeText(text, at, up);
    c.fillStyle = css(theme.ink);
    c.fillText(text, at, up);
  }

  /** @param {Camera} camera @param {import("./theme.js").Theme} theme
   * @param {{points: number[], closed: boolean, tip: number[] | null}} drawing */
  _drawing(camera, theme, { points, closed, tip }) {
    const c = this.context;
    this._line(camera, tip ? [...points, ...tip] : points, closed);
    if (closed) {
      c.globalAlpha = 0.12;
      c.fillStyle = css(theme.accent);
      c.fill("evenodd");
      c.globalAlpha = 1;
    }
    this._stroked(css(theme.accent), 2, theme);
    if (closed) return;
    for (let k = 0; k + 1 < points.length; k += 2) {
      c.beginPath();
      c.arc(...camera.toScreen(points[k], points[k + 1]), 3.5, 0, 7);
      c.fillStyle = css(theme.accent);
      c.fill();
    }
  }

  /** @param {Camera} camera @param {import("./theme.js").Theme} theme
   * @param {Ring} ring @param {number} dot */
  _ring(camera, theme, ring, dot) {
    const frame = ring.frame();
    this.context.beginPath();
    if (frame) this.context.rect(frame[0] - 1, frame[1] - 1, frame[2] + 2, frame[2] + 2);
    else this.context.arc(...camera.toScreen(ring.x, ring.y), dot + (ring.strong ? 6 : 4), 0, 7);
    this._stroked(css(ring.strong ? theme.accent : theme.ink), ring.strong ? 2.5 : 1.5, theme);
  }
}
