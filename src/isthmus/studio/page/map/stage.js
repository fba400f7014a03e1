// The canvases in their host, as large as it is, and the frames: what has changed is drawn once before the next paint.

/** @typedef {{points: boolean, thumbs: boolean, overlay: boolean}} Dirt */

export class Stage {
  /**
   * @param {HTMLElement} host
   * @param {(now: number, dirt: Dirt) => void} draw
   * @param {(width: number, height: number, ratio: number) => void} resized
   */
  constructor(host, draw, resized) {
    this.host = host;
    this.draw = draw;
    this.resized = resized;
    this.width = 0;
    this.height = 0;
    this.ratio = 1;
    if (getComputedStyle(host).position === "static") host.style.position = "relative";
    host.style.overflow = "hidden";
    host.style.touchAction = "none"; // fingers are the map's, not the page's
    host.style.userSelect = "none";
    host.style.outline = "none"; // the focus ring is drawn on the overlay, inside the host's edge
    this.points = layer(host, 0);
    this.thumbs = layer(host, 1);
    this.overlay = layer(host, 2);
    /** @type {Dirt} */
    this.dirt = { points: true, thumbs: true, overlay: true };
    this.asked = 0;
    this.watcher = new ResizeObserver(() => this._measure());
    this.watcher.observe(host);
    this.onDensity = () => this._measure();
    window.addEventListener("resize", this.onDensity); // a window moved to another screen, or the page zoomed
  }

  /** Canvases take the host's size; called once all layers are there. */
  start() {
    this._measure();
  }

  /** @param {...("points" | "thumbs" | "overlay")} what has changed; nothing said: everything */
  ask(...what) {
    for (const one of what.length ? what : /** @type {const} */ (["points", "thumbs", "overlay"])) this.dirt[one] = true;
    if (!this.asked) this.asked = requestAnimationFrame((now) => this._frame(now));
  }

  /** @param {number} now */
  _frame(now) {
    this.asked = 0;
    const dirt = this.dirt;
    this.dirt = { points: false, thumbs: false, overlay: false };
    this.draw(now, dirt);
  }

  _measure() {
    const width = Math.max(1, this.host.clientWidth);
    const height = Math.max(1, this.host.clientHeight);
    const ratio = Math.min(3, Math.max(1, window.devicePixelRatio || 1));
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    [this.width, this.height, this.ratio] = [width, height, ratio];
    for (const canvas of [this.thumbs, this.overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.resized(width, height, ratio);
    // Drawn at once, not at the next frame: a canvas that was sized is empty, and would flash.
    cancelAnimationFrame(this.asked);
    this.dirt = { points: true, thumbs: true, overlay: true };
    this._frame(performance.now());
  }

  destroy() {
    cancelAnimationFrame(this.asked);
    this.asked = -1; // nothing is asked for any more
    this.watcher.disconnect();
    window.removeEventListener("resize", this.onDensity);
    for (const canvas of [this.points, this.thumbs, this.overlay]) canvas.remove();
  }
}

/** @param {HTMLElement} host @param {number} level @returns {HTMLCanvasElement} */
function layer(host, level) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  Object.assign(canvas.style, {
    display: level ? "none" : "block", // until there is something on it
    position: "absolute",
    left: "0",
    top: "0",
    width: "100%",
    height: "100%",
    pointerEvents: "none",
    zIndex: String(level),
  });
  host.append(canvas);
  return canvas;
}
