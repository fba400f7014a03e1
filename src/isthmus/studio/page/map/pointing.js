// What is pointed at: by a pointer that hovers, or by a cursor that keys move from picture to picture. Both are told as
// "hover"; the cursor is also read out, in the words that the page has for a row.

/** @typedef {import("./view.js").MapView} MapView */

const SAID_AFTER = 180; // milliseconds of rest before a row is read out, so that walking quickly is not a babble

export class Pointing {
  /** @param {MapView} view @param {(row: number) => string | Promise<string>} describe */
  constructor(view, describe) {
    this.view = view;
    this.describe = describe;
    /** @type {number | null} the row that keys have walked to */
    this.cursor = null;
    /** @type {number | null} the row under the pointer */
    this.under = null;
    this.live = document.createElement("div");
    this.live.setAttribute("aria-live", "polite");
    this.live.setAttribute("role", "status");
    // Out of sight, not out of the accessibility tree.
    const unseen = { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" };
    Object.assign(this.live.style, unseen, { whiteSpace: "nowrap" });
    view.host.append(this.live);
    this.timer = 0;
  }

  /** The row that Enter opens. */
  get row() {
    return this.cursor ?? this.under;
  }

  /**
   * @param {number} sx @param {number} sy @param {string} pointer "mouse", "touch" or "pen"
   * @param {boolean} picking whether the row under it is looked for
   */
  detail(sx, sy, pointer, picking = true) {
    const [x, y] = this.view.camera.toMap(sx, sy);
    return { row: picking ? this.view.pick(sx, sy, pointer === "touch" ? 22 : 12) : null, x, y, screen: [sx, sy], pointer };
  }

  /** A pointer hovers. @param {number} sx @param {number} sy @param {string} pointer */
  at(sx, sy, pointer) {
    this.view.once("hover", () => {
      const detail = this.detail(sx, sy, pointer);
      this.under = detail.row;
      this._rings();
      this.view.emit("hover", detail);
    });
  }

  /** Nothing is pointed at. */
  clear() {
    this.view.once("hover", null);
    if (this.under === null && this.cursor === null) return;
    this.under = null;
    this._rings();
    this.view.emit("hover", { row: this.cursor, x: NaN, y: NaN, screen: null, pointer: null });
  }

  /** A hand takes over from the keys. */
  byHand() {
    this.cursor = null;
    this._rings();
  }

  /** The cursor is put away. */
  leave() {
    this.cursor = null;
    this.clear();
    this._rings();
    this.live.textContent = "";
  }

  /** @param {number} dx @param {number} dy @param {number} step in CSS pixels */
  walk(dx, dy, step) {
    const { grid, camera } = this.view;
    if (!grid) return;
    const from = this._place(this.cursor) ?? [camera.cx, camera.cy];
    const hidden = this.view.layer.hidden;
    const reach = Math.hypot(camera.width, camera.height) / camera.scale;
    const at = this.cursor === null
      ? grid.nearest(from[0], from[1], reach, hidden)
      : grid.towards(from[0], from[1], dx, dy, step / camera.scale, hidden);
    if (at >= 0) this.goTo(grid.rows[at]);
  }

  /** The next in the order of the grid, which leads through neighbours. @param {number} way 1 or -1 */
  next(way) {
    const grid = this.view.grid;
    const hidden = this.view.layer.hidden;
    if (!grid || !grid.count) return;
    if (this.cursor === null) {
      this.walk(0, 0, 0);
      return;
    }
    let at = grid.positions[this.cursor];
    for (let tried = 0; tried < grid.count; tried++) {
      at = (at + way + grid.count) % grid.count;
      if (!hidden || !hidden[at]) break;
    }
    this.goTo(grid.rows[at]);
  }

  /** Put the cursor on a row, and bring it into view. @param {number} row */
  goTo(row) {
    const place = this._place(row);
    if (!place) return;
    this.cursor = row;
    this.under = null;
    this._rings();
    const { camera } = this.view;
    const [sx, sy] = camera.toScreen(...place);
    const off = Math.min(60, camera.width / 4, camera.height / 4);
    if (sx < off || sy < off || sx > camera.width - off || sy > camera.height - off) {
      this.view.setView({ cx: place[0], cy: place[1], zoom: camera.zoom }, true);
    }
    this.view.emit("hover", { row, x: place[0], y: place[1], screen: [sx, sy], pointer: "keys" });
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this._say(row), SAID_AFTER);
  }

  /** @param {number} row */
  async _say(row) {
    const words = await this.describe(row);
    if (this.cursor === row) this.live.textContent = words; // as text: a name is never markup
  }

  /** @param {number | null} row @returns {[number, number] | null} */
  _place(row) {
    const { places } = this.view;
    if (row === null || 2 * row + 1 >= places.length || Number.isNaN(places[2 * row])) return null;
    return [places[2 * row], places[2 * row + 1]];
  }

  /** @returns {[number, number] | null} */
  cursorOnScreen() {
    const place = this._place(this.cursor);
    return place && this.view.camera.toScreen(...place);
  }

  _rings() {
    const rings = [];
    for (const [row, strong] of /** @type {[number | null, boolean][]} */ ([[this.under, false], [this.cursor, true]])) {
      const place = this._place(row);
      const frame = () => this.view.thumbs.frameOf(row, this.view.camera);
      if (place) rings.push({ x: place[0], y: place[1], strong, frame });
    }
    this.view.overlay.rings = rings;
    this.view.stage.ask("overlay");
  }

  destroy() {
    clearTimeout(this.timer);
    this.live.remove();
  }
}
