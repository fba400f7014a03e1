// The index of all points: sorted by the cell of a square grid, row by row of cells, so that what a view shows is a
// few unbroken runs of the arrays (drawing walks memory forwards), and the nearest point is found in a few cells.

/** @typedef {import("./camera.js").Extents} Extents */

const A_CELL = 2; // points a cell on average
const MOST_CELLS = 1024; // a side

export class Grid {
  /** @param {Float32Array} places x0, y0, x1, y1, ...; rows without a finite place are left out */
  constructor(places) {
    const n = places.length >> 1;
    /** How many rows there are, placed or not. */
    this.rowsGiven = n;
    this.extents = extentsOf(places);
    const { x0, y0, x1, y1 } = this.extents;
    const side = Math.max(1, Math.min(MOST_CELLS, Math.ceil(Math.sqrt(n / A_CELL))));
    this.side = side;
    this.perX = x1 > x0 ? side / (x1 - x0) : 0; // all at one x: all in the first column
    this.perY = y1 > y0 ? side / (y1 - y0) : 0;
    const { cells, begins } = counted(places, side, this.extents, this.perX, this.perY);
    this.begins = begins;
    this.count = begins[side * side];
    this.xs = new Float32Array(this.count);
    this.ys = new Float32Array(this.count);
    /** The row of each sorted position, and the position of each row (-1: not placed). */
    this.rows = new Uint32Array(this.count);
    this.positions = new Int32Array(n).fill(-1);
    this._fill(places, cells, begins.slice());
  }

  /** @param {Float32Array} places @param {Int32Array} cells @param {Int32Array} next */
  _fill(places, cells, next) {
    const n = this.rowsGiven;
    // Rows come in a scattered order, so that in a crowded cell no class lies on top only for being last in the file.
    let step = Math.floor(n * 0.6180339887) | 1;
    while (common(step, n) > 1) step += 2;
    for (let k = 0, row = 0; k < n; k++) {
      const cell = cells[row];
      if (cell >= 0) {
        const at = next[cell]++;
        this.xs[at] = places[2 * row];
        this.ys[at] = places[2 * row + 1];
        this.rows[at] = row;
        this.positions[row] = at;
      }
      row += step;
      if (row >= n) row -= n;
    }
  }

  /** @param {number} x */
  column(x) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.extents.x0) * this.perX) || 0));
  }

  /** @param {number} y */
  line(y) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.extents.y0) * this.perY) || 0));
  }

  /**
   * The runs of sorted positions whose cells touch a rectangle: `[from, to, from, to, ...]`.
   * @param {Extents} box @returns {number[]}
   */
  runs(box) {
    const { x0, y0, x1, y1 } = this.extents;
    const found = /** @type {number[]} */ ([]);
    if (!this.count || box.x1 < x0 || box.x0 > x1 || box.y1 < y0 || box.y0 > y1) return found;
    const left = this.column(box.x0);
    const right = this.column(box.x1);
    for (let line = this.line(box.y0), last = this.line(box.y1); line <= last; line++) {
      const from = this.begins[line * this.side + left];
      const to = this.begins[line * this.side + right + 1];
      if (from === to) continue;
      if (found.length && found[found.length - 1] === from) found[found.length - 1] = to;
      else found.push(from, to);
    }
    return found;
  }

  /**
   * The position nearest to a place, within a radius; of equally near ones the lowest row.
   * @param {number} x @param {number} y @param {number} radius
   * @param {Uint8Array | null} hidden by position: 1 is passed over
   * @returns {number} -1 where there is none
   */
  nearest(x, y, radius, hidden = null) {
    const cell = Math.max(this.perX ? 1 / this.perX : 0, this.perY ? 1 / this.perY : 0) || radius;
    for (let reach = Math.min(cell, radius); ; reach = Math.min(reach * 2, radius)) {
      const best = this._nearestWithin(x, y, reach, hidden);
      if (best >= 0 || reach >= radius) return best;
    }
  }

  /** @param {number} x @param {number} y @param {number} reach @param {Uint8Array | null} hidden */
  _nearestWithin(x, y, reach, hidden) {
    const { xs, ys, rows } = this;
    const runs = this.runs({ x0: x - reach, y0: y - reach, x1: x + reach, y1: y + reach });
    let best = -1;
    let least = reach * reach;
    for (let r = 0; r < runs.length; r += 2) {
      for (let i = runs[r]; i < runs[r + 1]; i++) {
        const dx = xs[i] - x;
        const dy = ys[i] - y;
        const d = dx * dx + dy * dy;
        if (d > least || (hidden && hidden[i])) continue;
        if (d < least || best < 0 || rows[i] < rows[best]) {
          best = i;
          least = d;
        }
      }
    }
    return best;
  }

  /**
   * The nearest position in a direction (a quarter turn wide), at least `step` away: what an arrow key moves to.
   * @param {number} x @param {number} y @param {number} dx @param {number} dy one of them 0, the other 1 or -1
   * @param {number} step @param {Uint8Array | null} hidden @returns {number}
   */
  towards(x, y, dx, dy, step, hidden = null) {
    const { xs, ys } = this;
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.count; i++) {
      const ex = xs[i] - x;
      const ey = ys[i] - y;
      const along = ex * dx + ey * dy;
      const across = Math.abs(ex * dy - ey * dx);
      if (along < step || across > along || (hidden && hidden[i])) continue;
      const far = along + 2 * across; // straight ahead is preferred to nearer but aside
      if (far < least) {
        least = far;
        best = i;
      }
    }
    return best;
  }
}

/** @param {Float32Array} places @returns {Extents} of the finite places; a unit square where there are none */
export function extentsOf(places) {
  let x0 = Infinity;
  let y0 = Infinity;
  let x1 = -Infinity;
  let y1 = -Infinity;
  for (let i = 0; i + 1 < places.length; i += 2) {
    const x = places[i];
    const y = places[i + 1];
    if (x - x !== 0 || y - y !== 0) continue; // NaN or infinite
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return x0 <= x1 ? { x0, y0, x1, y1 } : { x0: 0, y0: 0, x1: 1, y1: 1 };
}

/**
 * The cell of each row (-1: not placed) and where each cell begins among the sorted.
 * @param {Float32Array} places @param {number} side @param {Extents} extents @param {number} perX @param {number} perY
 */
function counted(places, side, { x0, y0 }, perX, perY) {
  const n = places.length >> 1;
  const cells = new Int32Array(n);
  const begins = new Int32Array(side * side + 1);
  const last = side - 1;
  for (let i = 0; i < n; i++) {
    const x = places[2 * i];
    const y = places[2 * i + 1];
    if (x - x !== 0 || y - y !== 0) {
      cells[i] = -1;
      continue;
    }
    const column = Math.min(last, ((x - x0) * perX) | 0);
    const line = Math.min(last, ((y - y0) * perY) | 0);
    const cell = line * side + column;
    cells[i] = cell;
    begins[cell + 1]++;
  }
  for (let c = 0; c < side * side; c++) begins[c + 1] += begins[c];
  return { cells, begins };
}

/** @param {number} a @param {number} b @returns {number} the greatest common divisor */
function common(a, b) {
  while (b) [a, b] = [b, a % b];
  return a;
}
