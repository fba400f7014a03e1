// The map without a mouse: arrows pan, Shift with arrows walks from picture to picture, n and p go on and back.

/** @typedef {import("./view.js").MapView} MapView */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 80; // CSS pixels that an arrow pans
const NEXT = 10; // CSS pixels to the next picture at least: in a crowd one does not creep

export class Keys {
  /** @param {MapView} view */
  constructor(view) {
    this.view = view;
    this.down = this.pressed.bind(this);
    this.up = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === " ") this.view.gestures.spaceHeld = false;
    };
    this.byHand = false;
    this.focus = () => this._focused(!this.byHand && view.host.matches(":focus-visible"));
    this.blur = () => {
      view.gestures.spaceHeld = false;
      this._focused(false);
    };
    for (const [type, does] of this._all()) view.host.addEventListener(type, /** @type {EventListener} */ (does));
  }

  /** @returns {[string, (event: any) => void][]} */
  _all() {
    return [["keydown", this.down], ["keyup", this.up], ["focus", this.focus], ["blur", this.blur]];
  }

  destroy() {
    for (const [type, does] of this._all()) this.view.host.removeEventListener(type, /** @type {EventListener} */ (does));
  }

  /** A press brings the focus, not its ring: who has a pointer sees where it is. */
  focusByHand() {
    this.byHand = true;
    this.view.host.focus({ preventScroll: true });
    this.byHand = false;
    this._focused(false);
  }

  /** @param {boolean} yes */
  _focused(yes) {
    this.view.overlay.focused = yes;
    this.view.stage.ask("overlay");
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.target !== this.view.host || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this._does(event)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key !== " " || this.view.pointing.cursor !== null) this._focused(true);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key means something here */
  _does(event) {
    const { view } = this;
    const { camera, pointing } = view;
    const arrow = ARROWS[event.key];
    if (arrow) {
      if (event.shiftKey) pointing.walk(arrow[0], arrow[1], NEXT);
      else view.panBy(-arrow[0] * STEP, arrow[1] * STEP, 120);
      return true;
    }
    switch (event.key) {
      case "+":
      case "=":
      case "-":
      case "_": {
        const centre = pointing.cursorOnScreen() ?? [camera.width / 2, camera.height / 2];
        view.zoomAt(centre[0], centre[1], "+=".includes(event.key) ? 1.5 : 1 / 1.5, 160);
        return true;
      }
      case "0":
        view.fit(true);
        return true;
      case "n":
      case "p":
        pointing.next(event.key === "n" ? 1 : -1);
        return true;
      case "Enter":
        if (view.sketch.drawing) view.sketch.finishPath();
        else if (pointing.row !== null) view.emit("open", { row: pointing.row });
        return true;
      case " ":
        if (pointing.cursor !== null && !event.repeat) view.choose(Uint32Array.of(pointing.cursor), "toggle");
        else view.gestures.spaceHeld = true;
        return true;
      case "Backspace":
        if (!view.sketch.drawing) return false;
        view.sketch.undo();
        return true;
      case "Escape":
        if (view.sketch.drawing) view.sketch.cancel();
        else if (pointing.cursor !== null) pointing.leave();
        else if (view.selection) view.choose(new Uint32Array(0), "replace");
        else return false; // the page may have something to close
        return true;
      default:
        return false;
    }
  }
}
