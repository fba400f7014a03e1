// Telling the page: events at once, or at the next frame when they would come faster than anybody can look.

export class Teller extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, () => void>} what waits for the next frame, by name */
    this.soon = new Map();
  }

  /** A frame is needed. */
  wake() {}

  /** @param {string} type @param {(detail: any) => void} listener @returns {() => void} */
  on(type, listener) {
    const heard = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail);
    this.addEventListener(type, heard);
    return () => this.removeEventListener(type, heard);
  }

  /** @param {string} type @param {object} detail */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** At the next frame, and only the last that was said under this name.
   * @param {string} name @param {(() => void) | null} does */
  once(name, does) {
    if (does) {
      this.soon.set(name, does);
      this.wake();
    } else this.soon.delete(name);
  }

  /** @param {string} type @param {object} detail */
  emitSoon(type, detail) {
    this.once(type, () => this.emit(type, detail));
  }

  flushSoon() {
    const waiting = [...this.soon.values()];
    this.soon.clear();
    for (const does of waiting) does();
  }
}
