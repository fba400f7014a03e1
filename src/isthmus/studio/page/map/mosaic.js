// Which pictures are shown where dots have room to be pictures. The map is divided into square cells, halved each time
// one has zoomed in by two; of the points in a cell the nearest to its middle stands for them. The cells belong to the
// map, not to the screen: panning brings new pictures in at the edge and exchanges none.

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("./grid.js").Grid} Grid */

export const SMALLEST = 46; // CSS pixels of a cell: a finger hits it; it grows to twice that before it is divided

/** @typedef {{position: number, cx: number, cy: number}} Winner the point, and the middle of its cell on the map */
/** @typedef {{level: number, unit: number, winners: Map<number, Winner>, box: number[], crowd: number}} Cells */

const STRIDE = 1 << 24; // cells across at any level that is reached

/** Each level has cells of half the size. Far beyond the zoom at which dots become pictures points are few, and cells are
 * larger: who comes nearer wants to see more of a picture, not only fewer of them.
 * @param {Camera} camera @param {number} count of all points @returns {number} */
export function levelOf(camera, count) {
  const cells = (camera.width * camera.height) / SMALLEST ** 2;
  const first = Math.max(1, Math.sqrt(count / (3 * cells)));
  const most = Math.min(camera.width, camera.height) < 600 ? 1 : 2;
  const larger = Math.min(most, Math.floor(0.45 * Math.log2(camera.zoom / first)));
  return Math.floor(Math.log2((spanOf(camera) * camera.scale) / SMALLEST)) - Math.max(0, larger);
}

/** @param {Camera} camera */
function spanOf({ extents: { x0, y0, x1, y1 } }) {
  return Math.max(x1 - x0, y1 - y0) || 1;
}

export class Mosaic {
  constructor() {
    /** @type {Cells | null} */
    this.cells = null;
  }

  forget() {
    this.cells = null;
  }

  /** The cells in view; counted again only when one moves to others. @param {Camera} camera @param {Grid} grid
   * @param {Uint8Array | null} hidden @returns {Cells} */
  of(camera, grid, hidden) {
    const level = levelOf(camera, grid.count);
    const unit = spanOf(camera) / 2 ** level;
    const { x0, y0 } = camera.extents;
    const seen = camera.seen();
    const box = [
      Math.floor((seen.x0 - x0) / unit),
      Math.floor((seen.y0 - y0) / unit),
      Math.floor((seen.x1 - x0) / unit),
      Math.floor((seen.y1 - y0) / unit),
    ];
    const old = this.cells;
    if (old && old.level === level && box.every((edge, k) => edge === old.box[k])) return old;
    this.cells = { level, unit, box, ...chosen(camera, grid, hidden, unit, box) };
    return this.cells;
  }

  /** @param {Camera} camera @param {number} sx @param {number} sy @returns {Winner | null} */
  at(camera, sx, sy) {
    if (!this.cells) return null;
    const [x, y] = camera.toMap(sx, sy);
    const { unit, winners } = this.cells;
    const { x0, y0 } = camera.extents;
    return winners.get(keyOf(Math.floor((x - x0) / unit), Math.floor((y - y0) / unit))) ?? null;
  }
}

/** @param {number} column @param {number} line */
const keyOf = (column, line) => line * STRIDE + column;

/** @param {Camera} camera @param {Grid} grid @param {Uint8Array | null} hidden @param {number} unit @param {number[]} box */
function chosen(camera, grid, hidden, unit, box) {
  const { x0, y0 } = camera.extents;
  const wide = box[2] - box[0] + 1;
  const high = box[3] - box[1] + 1;
  const best = new Int32Array(wide * high).fill(-1);
  const least = new Float32Array(wide * high).fill(Infinity);
  const { xs, ys } = grid;
  const left = x0 + box[0] * unit;
  const low = y0 + box[1] * unit;
  const runs = grid.runs({ x0: left, y0: low, x1: left + wide * unit, y1: low + high * unit });
  let crowd = 0;
  for (let r = 0; r < runs.length; r += 2) {
    for (let i = runs[r]; i < runs[r + 1]; i++) {
      const u = (xs[i] - left) / unit;
      const v = (ys[i] - low) / unit;
      if (u < 0 || v < 0 || u >= wide || v >= high || (hidden !== null && hidden[i] !== 0)) continue;
      crowd++;
      const column = u | 0;
      const line = v | 0;
      const cell = line * wide + column;
      const far = (u - column - 0.5) ** 2 + (v - line - 0.5) ** 2;
      if (far < least[cell]) {
        least[cell] = far;
        best[cell] = i;
      }
    }
  }
  /** @type {Map<number, Winner>} */
  const winners = new Map();
  for (let cell = 0; cell < best.length; cell++) {
    if (best[cell] < 0) continue;
    const column = box[0] + (cell % wide);
    const line = box[1] + Math.floor(cell / wide);
    winners.set(keyOf(column, line), { position: best[cell], cx: x0 + (column + 0.5) * unit, cy: y0 + (line + 0.5) * unit });
  }
  return { winners, crowd };
}
