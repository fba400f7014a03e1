// Hands on the map: mouse, pen and fingers. One pointer acts with the tool, two fingers pan and zoom, the wheel zooms
// where it is turned, the right or middle button (or the space bar held) pans whatever the tool is.

import { howOf } from "./selection.js";

/** @typedef {import("./view.js").MapView} MapView */
/** @typedef {"point" | "pan" | "lasso" | "path"} Tool */

const STILL = 5; // CSS pixels that a finger may tremble in a press
const TWICE = 350; // milliseconds between two presses that are one double press

export class Gestures {
  /** @param {MapView} view */
  constructor(view) {
    this.view = view;
    /** @type {Map<number, {x: number, y: number}>} fingers that are down */
    this.down = new Map();
    /** @type {{tool: Tool, x: number, y: number, moved: boolean, how: import("./selection.js").How} | null} */
    this.act = null;
    this.last = { time: -1e9, x: 0, y: 0 };
    this.spaceHeld = false;
    const on = {
      pointerdown: this._pressed,
      pointermove: this._moved,
      pointerup: this._lifted,
      pointercancel: this._lost,
      pointerleave: this._left,
      wheel: this._wheel,
    };
    /** @type {[string, (event: any) => void][]} */
    this.listeners = Object.entries(on).map(([type, does]) => [type, does.bind(this)]);
    this.listeners.push(["contextmenu", (event) => event.preventDefault()]);
    for (const [type, does] of this.listeners) view.host.addEventListener(type, does, { passive: false });
  }

  destroy() {
    for (const [type, does] of this.listeners) this.view.host.removeEventListener(type, does);
  }

  /** @param {MouseEvent} event @returns {{x: number, y: number}} in the host */
  _at(event) {
    const { host } = this.view;
    const box = host.getBoundingClientRect();
    return { x: event.clientX - box.left - host.clientLeft, y: event.clientY - box.top - host.clientTop };
  }

  /** @param {PointerEvent} event */
  _pressed(event) {
    const { view } = this;
    const at = this._at(event);
    view.keys.focusByHand();
    view.pointing.byHand();
    try {
      view.host.setPointerCapture(event.pointerId);
    } catch {
      // A made-up event of a test or a tool has no pointer to capture.
    }
    this.down.set(event.pointerId, at);
    if (event.pointerType === "mouse") event.preventDefault();
    if (this.down.size === 2) {
      this._drop(); // the second finger makes it a pinch; what the first had begun is taken back
      return;
    }
    if (this.down.size > 2) return;
    const tool = event.button === 1 || event.button === 2 || this.spaceHeld ? "pan" : view.tool;
    this.act = { tool, ...at, moved: false, how: howOf(event) };
    if (tool === "pan") view.camera.flight = null;
    view.pointing.clear();
    if (tool === "point") view.emit("press", view.pointing.detail(at.x, at.y, event.pointerType));
    if (tool === "lasso") view.sketch.begin(at.x, at.y, true);
    if (tool === "path") view.sketch.add(at.x, at.y);
    view.showTool(tool === "pan");
  }

  /** @param {PointerEvent} event */
  _moved(event) {
    const { view, act } = this;
    const at = this._at(event);
    const before = this.down.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") {
        view.pointing.at(at.x, at.y, event.pointerType);
        if (view.tool === "path") view.sketch.tip(at.x, at.y);
      }
      return;
    }
    if (this.down.size >= 2) {
      this._pinch(event.pointerId, at);
      return;
    }
    this.down.set(event.pointerId, at);
    if (!act) return;
    act.moved ||= Math.hypot(at.x - act.x, at.y - act.y) > STILL;
    if (act.tool === "pan") view.panBy(at.x - before.x, at.y - before.y);
    else if (act.tool === "point") view.emitSoon("drag", view.pointing.detail(at.x, at.y, event.pointerType, false));
    else if (act.moved) view.sketch.trace(at.x, at.y);
  }

  /** Two fingers: what lay between them stays between them. @param {number} id @param {{x: number, y: number}} at */
  _pinch(id, at) {
    const fingers = [...this.down.keys()].slice(0, 2);
    if (!fingers.includes(id)) return;
    const two = () => fingers.map((finger) => /** @type {{x: number, y: number}} */ (this.down.get(finger)));
    const [a, b] = two();
    const wide = Math.hypot(a.x - b.x, a.y - b.y);
    const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    this.down.set(id, at);
    const [c, d] = two();
    const now = { x: (c.x + d.x) / 2, y: (c.y + d.y) / 2 };
    this.view.panBy(now.x - middle.x, now.y - middle.y);
    if (wide > 8) this.view.zoomAt(now.x, now.y, Math.hypot(c.x - d.x, c.y - d.y) / wide);
  }

  /** @param {PointerEvent} event */
  _lifted(event) {
    if (!this.down.delete(event.pointerId)) return;
    const { view, act } = this;
    this.act = null;
    view.showTool(false);
    if (!act) return;
    const at = this._at(event);
    if (act.tool === "point") {
      view.flushSoon();
      view.emit("release", view.pointing.detail(at.x, at.y, event.pointerType));
    }
    if (act.tool === "lasso") {
      if (act.moved) view.sketch.finishLasso(act.how);
      else this._choose(at, act.how);
    }
    if (act.tool === "path" && act.moved) view.sketch.finishPath();
    if (!act.moved) this._twice(event, at);
    else this.last.time = -1e9;
    if (event.pointerType !== "touch") view.pointing.at(at.x, at.y, event.pointerType);
  }

  /** A press with the lasso chooses the picture under it. @param {{x: number, y: number}} at
   * @param {import("./selection.js").How} how */
  _choose(at, how) {
    this.view.sketch.cancel();
    const row = this.view.pick(at.x, at.y);
    if (row !== null) this.view.choose(Uint32Array.of(row), how === "add" ? "toggle" : how);
    else if (how === "replace") this.view.choose(new Uint32Array(0), how);
  }

  /** @param {PointerEvent} event @param {{x: number, y: number}} at */
  _twice(event, at) {
    const near = Math.hypot(at.x - this.last.x, at.y - this.last.y) < 4 * STILL;
    const again = near && event.timeStamp - this.last.time < TWICE;
    this.last = { time: again ? -1e9 : event.timeStamp, ...at };
    if (!again || event.button > 0) return;
    if (this.view.tool === "path") {
      this.view.sketch.finishPath();
      return;
    }
    const row = this.view.pick(at.x, at.y);
    if (row !== null) this.view.emit("open", { row });
  }

  /** @param {PointerEvent} event */
  _lost(event) {
    this.down.delete(event.pointerId);
    this._drop();
  }

  _drop() {
    if (this.act?.tool === "point") this.view.emit("release", this.view.pointing.detail(this.act.x, this.act.y, "touch"));
    if (this.act?.tool === "path") this.view.sketch.undo();
    if (this.act?.tool === "lasso") this.view.sketch.cancel();
    this.act = null;
    this.view.showTool(false);
  }

  _left() {
    if (!this.down.size) this.view.pointing.clear();
  }

  /** @param {WheelEvent} event */
  _wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? this.view.camera.height : 1;
    const turn = Math.max(-240, Math.min(240, event.deltaY * unit));
    const at = this._at(event);
    // A pinch on a touch pad comes as a wheel with Ctrl, in small steps; a wheel's notch is about 100 pixels.
    this.view.zoomAt(at.x, at.y, Math.exp(-turn * (event.ctrlKey ? 0.01 : 0.0022)), Math.abs(turn) >= 50 ? 140 : 0);
  }
}
