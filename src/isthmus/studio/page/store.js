// What the page shows, kept in the address bar: a link shows the same thing.

const NUMBERS = new Set(["x", "y", "z", "row"]);

/** @param {string} hash @returns {Record<string, any>} */
export function parsed(hash) {
  /** @type {Record<string, any>} */ const found = {};
  for (const [name, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    found[name] = NUMBERS.has(name) ? Number(value) : value;
    if (NUMBERS.has(name) && !Number.isFinite(found[name])) delete found[name];
  }
  return found;
}

/** @param {Record<string, any>} state */
export function written(state) {
  const kept = Object.entries(state).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return `#${new URLSearchParams(kept.map(([name, value]) => [name, typeof value === "number" ? String(+value.toPrecision(7)) : String(value)]))}`;
}

export class Store extends EventTarget {
  constructor() {
    super();
    this.state = parsed(location.hash);
    addEventListener("hashchange", () => {
      if (location.hash !== written(this.state)) this.replace(parsed(location.hash));
    });
  }
  /** @param {string} name @param {any} [otherwise] */
  get(name, otherwise = null) {
    return this.state[name] ?? otherwise;
  }
  /** Change some of it; listeners hear what changed. `quiet` for what moves all the time. @param {Record<string, any>} patch */
  set(patch, { step = false } = {}) {
    this.replace({ ...this.state, ...patch }, step);
  }
  /** @param {Record<string, any>} state */
  replace(state, step = false) {
    const before = this.state;
    const changed = new Set([...Object.keys(before), ...Object.keys(state)].filter((name) => before[name] !== state[name]));
    this.state = state;
    if (location.hash !== written(state)) history[step ? "pushState" : "replaceState"](null, "", written(state));
    if (changed.size) this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }
  /** @param {string[]} names @param {() => void} then */
  on(names, then) {
    const heard = (/** @type {Event} */ event) => {
      if (names.some((name) => /** @type {CustomEvent} */ (event).detail.has(name))) then();
    };
    this.addEventListener("change", heard);
    return () => this.removeEventListener("change", heard);
  }
}
