// Which points lie within a polygon, by the even-odd rule, for any polygon that a hand draws.

const SLABS = 512;

/**
 * @param {Float32Array} places x0, y0, x1, y1, ... @param {ArrayLike<number>} polygon likewise; closed by itself
 * @returns {Uint32Array} rows within, ascending
 */
export function within(places, polygon) {
  const m = polygon.length >> 1;
  if (m < 3) return new Uint32Array(0);
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let k = 0; k < m; k++) {
    x0 = Math.min(x0, polygon[2 * k]);
    x1 = Math.max(x1, polygon[2 * k]);
    y0 = Math.min(y0, polygon[2 * k + 1]);
    y1 = Math.max(y1, polygon[2 * k + 1]);
  }
  if (!(y1 > y0)) return new Uint32Array(0);
  const { begins, edges } = slabsOf(polygon, m, y0, y1);
  const per = SLABS / (y1 - y0);
  const n = places.length >> 1;
  const found = new Uint32Array(n);
  let count = 0;
  for (let row = 0; row < n; row++) {
    const x = places[2 * row];
    const y = places[2 * row + 1];
    if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) continue; // NaN too
    const slab = Math.min(SLABS - 1, ((y - y0) * per) | 0);
    let inside = false;
    for (let e = begins[slab]; e < begins[slab + 1]; e++) {
      const a = edges[e];
      const b = a + 1 === m ? 0 : a + 1;
      const ay = polygon[2 * a + 1];
      const by = polygon[2 * b + 1];
      if (ay > y === by > y) continue;
      const ax = polygon[2 * a];
      if (x < ((polygon[2 * b] - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
    if (inside) found[count++] = row;
  }
  return found.slice(0, count);
}

/** The edges that cross each of many level slabs: a point asks only those of its own.
 * @param {ArrayLike<number>} polygon @param {number} m @param {number} y0 @param {number} y1 */
function slabsOf(polygon, m, y0, y1) {
  const per = SLABS / (y1 - y0);
  const slab = (/** @type {number} */ y) => Math.max(0, Math.min(SLABS - 1, ((y - y0) * per) | 0));
  /** @type {number[][]} */
  const held = Array.from({ length: SLABS }, () => []);
  for (let a = 0; a < m; a++) {
    const from = slab(polygon[2 * a + 1]);
    const to = slab(polygon[2 * ((a + 1) % m) + 1]);
    // One more on each side: rounding must not take an edge from a point that lies on the line between two slabs.
    const last = Math.min(SLABS - 1, Math.max(from, to) + 1);
    for (let s = Math.max(0, Math.min(from, to) - 1); s <= last; s++) held[s].push(a);
  }
  const begins = new Int32Array(SLABS + 1);
  held.forEach((some, s) => (begins[s + 1] = begins[s] + some.length));
  return { begins, edges: Int32Array.from(held.flat()) };
}

/** Asks a worker, so that a million points hold no frame up; without workers it is done here. */
export class Lasso {
  constructor() {
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Float32Array | null} */
    this.sent = null;
    this.asked = 0;
    this.broken = false;
    /** @type {Map<number, {resolve: (rows: Uint32Array) => void, here: () => Uint32Array}>} */
    this.waiting = new Map();
  }

  /** @param {Float32Array} places @param {ArrayLike<number>} polygon @returns {Promise<Uint32Array>} */
  async rows(places, polygon) {
    const worker = this._worker();
    if (!worker) return within(places, polygon);
    if (this.sent !== places) {
      worker.postMessage({ places });
      this.sent = places;
    }
    const id = ++this.asked;
    return new Promise((resolve) => {
      this.waiting.set(id, { resolve, here: () => within(places, polygon) });
      worker.postMessage({ id, polygon: Float64Array.from(polygon) });
    });
  }

  /** No worker after all (an old browser, a stricter page): every question that waits is answered here. */
  _failed() {
    this.destroy();
    this.broken = true;
    for (const { resolve, here } of this.waiting.values()) resolve(here());
    this.waiting.clear();
  }

  _worker() {
    if (this.worker || this.broken) return this.worker;
    try {
      this.worker = new Worker(new URL("./lasso-worker.js", import.meta.url), { type: "module" });
    } catch {
      this.broken = true;
      return null;
    }
    this.worker.onmessage = ({ data }) => {
      this.waiting.get(data.id)?.resolve(data.rows);
      this.waiting.delete(data.id);
    };
    this.worker.onerror = () => this._failed();
    return this.worker;
  }

  destroy() {
    this.worker?.terminate();
    this.worker = null;
    this.sent = null;
  }
}
