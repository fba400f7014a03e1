// Where one looks from: map coordinates (y up, as in the report's figures) to CSS pixels of the host (y down) and back.
// Zoom 1 shows everything, whatever the size of the host, so that a view in a link means the same on another screen.

const MARGIN = 28; // CSS pixels left free around everything at zoom 1
export const LEAST_ZOOM = 0.4;
export const MOST_ZOOM = 8192; // beyond it places in 32-bit floats begin to jump by pixels

/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Extents */
/** @typedef {{cx: number, cy: number, zoom: number}} View */

/** @param {number} t from 0 to 1 @returns {number} slow at both ends */
export const eased = (t) => (t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t));

export class Camera {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.cx = 0;
    this.cy = 0;
    this.zoom = 1;
    /** @type {Extents} */
    this.extents = { x0: -1, y0: -1, x1: 1, y1: 1 };
    /** @type {{from: View, to: View, began: number, ms: number, anchor: number[] | null} | null} */
    this.flight = null;
  }

  /** CSS pixels a unit of the map. */
  get scale() {
    const { x0, y0, x1, y1 } = this.extents;
    const wide = Math.max(x1 - x0, (y1 - y0) * 1e-6) || 1;
    const high = Math.max(y1 - y0, (x1 - x0) * 1e-6) || 1;
    const room = Math.min(MARGIN, this.width / 8, this.height / 8);
    return this.zoom * Math.min((this.width - 2 * room) / wide, (this.height - 2 * room) / high);
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toScreen(x, y) {
    const s = this.scale;
    return [(x - this.cx) * s + this.width / 2, this.height / 2 - (y - this.cy) * s];
  }

  /** @param {number} sx @param {number} sy @returns {[number, number]} */
  toMap(sx, sy) {
    const s = this.scale;
    return [(sx - this.width / 2) / s + this.cx, (this.height / 2 - sy) / s + this.cy];
  }

  /** What of the map is seen, with `more` CSS pixels on every side. @returns {Extents} */
  seen(more = 0) {
    const [x0, y1] = this.toMap(-more, -more);
    const [x1, y0] = this.toMap(this.width + more, this.height + more);
    return { x0, y0, x1, y1 };
  }

  /** @returns {View} */
  view() {
    return { cx: this.cx, cy: this.cy, zoom: this.zoom };
  }

  /** @returns {View} the view that shows everything */
  whole() {
    const { x0, y0, x1, y1 } = this.extents;
    return { cx: (x0 + x1) / 2, cy: (y0 + y1) / 2, zoom: 1 };
  }

  /** @param {View} view */
  set({ cx, cy, zoom }) {
    const { x0, y0, x1, y1 } = this.extents;
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
    this.cx = Math.min(x1, Math.max(x0, cx)); // the middle of the screen never leaves the map: nobody gets lost
    this.cy = Math.min(y1, Math.max(y0, cy));
  }

  /** @param {number} dx @param {number} dy in CSS pixels: how far the map moves */
  pan(dx, dy) {
    this.flight = null;
    const s = this.scale;
    this.set({ cx: this.cx - dx / s, cy: this.cy + dy / s, zoom: this.zoom });
  }

  /** Zoom so that what lies under a place of the screen stays there.
   * @param {number} sx @param {number} sy @param {number} zoom */
  zoomAt(sx, sy, zoom) {
    const [x, y] = this.toMap(sx, sy);
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
    const s = this.scale;
    // Not clamped to the extents: the point under the pointer is worth more than the middle of the screen.
    this.cx = x - (sx - this.width / 2) / s;
    this.cy = y - (this.height / 2 - sy) / s;
  }

  /**
   * Fly to a view; with an anchor (a place of the screen) only the zoom is taken and the anchor keeps its point.
   * @param {View} to @param {number} ms @param {number} now @param {number[] | null} anchor
   */
  fly(to, ms, now, anchor = null) {
    this.flight = { from: this.view(), to, began: now, ms: Math.max(ms, 0), anchor };
    if (ms <= 0) this.step(now);
  }

  /** The zoom that is being flown to: notches of a wheel add up though none has arrived. */
  get aim() {
    return this.flight ? this.flight.to.zoom : this.zoom;
  }

  /** Go on flying. @param {number} now @returns {boolean} whether the view has changed */
  step(now) {
    const flight = this.flight;
    if (!flight) return false;
    const along = flight.ms > 0 ? (now - flight.began) / flight.ms : 1;
    if (along >= 1) this.flight = null;
    const { from, to, anchor } = flight;
    const t = anchor ? Math.min(1, Math.max(0, along) * (2 - Math.max(0, Math.min(along, 1)))) : eased(along);
    const zoom = from.zoom * Math.pow(to.zoom / from.zoom, t);
    if (anchor) {
      this.zoomAt(anchor[0], anchor[1], zoom);
      return true;
    }
    // Moving in step with the visible width keeps the point that both views share in its place.
    const gap = 1 / from.zoom - 1 / to.zoom;
    const u = t >= 1 ? 1 : Math.abs(gap) < 1e-3 / to.zoom ? t : (1 / from.zoom - 1 / zoom) / gap;
    this.set({ cx: from.cx + (to.cx - from.cx) * u, cy: from.cy + (to.cy - from.cy) * u, zoom });
    return true;
  }
}
