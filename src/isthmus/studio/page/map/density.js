// How many points lie where: counted in cells, small where points are many, smoothed a little, shaded by the logarithm.
// Where classes are set a cell has the colour of the class that most of its points have.

import { along, packed, UNKNOWN } from "./palette.js";

const SMALLEST = 2; // CSS pixels of a cell
const LARGEST = 10;
const LEVELS = 256;
const FEW = 70000; // cells

export class Density {
  constructor() {
    this.wide = 0;
    this.high = 0;
    this.counts = new Float32Array(0);
    this.other = new Float32Array(0);
    this.leads = new Int32Array(0);
    this.image = new ImageData(1, 1);
    this.small = new OffscreenCanvas(1, 1);
    this.shades = new Uint8Array(4096);
  }

  /** @param {number} wide @param {number} high */
  _sized(wide, high) {
    if (wide !== this.wide || high !== this.high) {
      this.wide = wide;
      this.high = high;
      this.counts = new Float32Array(wide * high);
      this.other = new Float32Array(wide * high);
      this.leads = new Int32Array(wide * high);
      this.image = new ImageData(wide, high);
      this.small = new OffscreenCanvas(wide, high);
    } else {
      this.counts.fill(0);
      this.leads.fill(0);
    }
  }

  /**
   * @param {import("./points.js").Points} layer @param {import("./raster.js").Target} target
   * @param {number[]} runs @param {Float32Array} xs @param {Float32Array} ys @param {number} edge
   * @param {number} share CSS pixels, squared, that each point would have to itself @param {number} step only every so many
   */
  draw(layer, target, runs, xs, ys, edge, share, step) {
    const cell = Math.round(2 * Math.max(SMALLEST, Math.min(LARGEST, 0.55 * Math.sqrt(share)))) * 0.5 * layer.ratio;
    const pad = 3; // cells beyond the edge, whose points still shade what is seen
    const width = layer.canvas.width;
    const height = layer.canvas.height;
    this._sized(Math.ceil(width / cell) + 2 * pad, Math.ceil(height / cell) + 2 * pad);
    const by = {
      sx: target.sx / cell,
      tx: (target.tx - edge) / cell + pad,
      sy: target.sy / cell,
      ty: (target.ty - edge) / cell + pad,
    };
    const coloured = layer.byClass;
    for (let k = 0; k < runs.length; k += 2) {
      if (coloured) this._countClasses(by, xs, ys, layer.inks, runs[k], runs[k + 1], step);
      else this._count(by, xs, ys, layer.hidden, runs[k], runs[k + 1], step);
    }
    // Where cells are large each holds a point or none: they are asked together. Small ones have leads of their own.
    if (coloured && this.leads.length < FEW) agreed(this.leads, this.wide, this.high);
    smoothed(this.counts, this.other, this.wide, this.high);
    smoothed(this.counts, this.other, this.wide, this.high);
    this._shade(layer, coloured);
    const small = this.small.getContext("2d");
    if (!small) return;
    small.putImageData(this.image, 0, 0);
    layer.context.imageSmoothingEnabled = true;
    layer.context.drawImage(this.small, -pad * cell, -pad * cell, this.wide * cell, this.high * cell);
  }

  /** @typedef {{sx: number, tx: number, sy: number, ty: number}} By */

  /** @param {By} by @param {Float32Array} xs @param {Float32Array} ys
   * @param {Uint8Array | null} hidden @param {number} from @param {number} to @param {number} step */
  _count({ sx, tx, sy, ty }, xs, ys, hidden, from, to, step) {
    const { counts, wide, high } = this;
    for (let i = Math.ceil(from / step) * step; i < to; i += step) {
      const x = (xs[i] * sx + tx) | 0;
      const y = (ys[i] * sy + ty) | 0;
      if (x > 0 && y > 0 && x < wide && y < high && (hidden === null || hidden[i] === 0)) counts[y * wide + x] += step;
    }
  }

  /** The lead of a cell is found by votes: each point adds to its own class or takes from another's; a class that has
   * most of the points is what remains. @param {By} by @param {Float32Array} xs @param {Float32Array} ys
   * @param {Uint8Array} inks @param {number} from @param {number} to @param {number} step */
  _countClasses({ sx, tx, sy, ty }, xs, ys, inks, from, to, step) {
    const { counts, leads, wide, high } = this;
    for (let i = Math.ceil(from / step) * step; i < to; i += step) {
      const x = (xs[i] * sx + tx) | 0;
      const y = (ys[i] * sy + ty) | 0;
      if (x > 0 && y > 0 && x < wide && y < high) {
        const ink = inks[i];
        if (ink >= 123 || ink === 0) continue; // filtered out
        const at = y * wide + x;
        counts[at] += step;
        const lead = leads[at];
        if ((lead & 255) === ink) leads[at] = lead + 256;
        else if (lead < 256) leads[at] = 256 | ink;
        else leads[at] = lead - 256;
      }
    }
  }

  /** @param {import("./points.js").Points} layer @param {boolean} coloured */
  _shade(layer, coloured) {
    const { counts, leads, wide, shades } = this;
    const n = counts.length;
    let most = 0;
    for (let i = 0; i < n; i++) if (counts[i] > most) most = counts[i];
    // The shade of a count, looked up by its root: fine steps where counts are low.
    const steps = shades.length - 1;
    const root = most > 0 ? steps / Math.sqrt(most) : 0;
    for (let k = 0; k <= steps; k++) {
      const count = root > 0 ? (k / root) ** 2 : 0;
      shades[k] = Math.round((LEVELS - 1) * (Math.log1p(6 * count) / Math.log1p(6 * Math.max(most, 1))));
    }
    const pixels = new Int32Array(this.image.data.buffer);
    const table = shadeTable(layer, coloured);
    const paper = table[0];
    for (let i = 0; i < n; i++) {
      const count = counts[i];
      if (count < 0.004) {
        pixels[i] = paper;
        continue;
      }
      let ink = 0;
      if (coloured) {
        ink = leads[i] & 255 || beside(leads, i, wide);
      }
      pixels[i] = table[(ink << 8) | shades[(Math.sqrt(count) * root) | 0]];
    }
  }
}

/** Each cell takes the class that most votes of five by five cells are for, the nearer counting more.
 * @param {Int32Array} leads @param {number} wide @param {number} high */
function agreed(leads, wide, high) {
  const own = leads.slice();
  const votes = new Int32Array(256);
  for (let y = 2; y < high - 2; y++) {
    for (let x = 2; x < wide - 2; x++) {
      const at = y * wide + x;
      let best = 0;
      for (let dy = -2; dy <= 2; dy++) {
        for (let dx = -2; dx <= 2; dx++) {
          const lead = own[at + dy * wide + dx];
          if (lead === 0) continue;
          const ink = lead & 255;
          votes[ink] += (lead >>> 8) * (9 - dx * dx - dy * dy);
          if (votes[ink] > votes[best]) best = ink;
        }
      }
      if (best === 0) continue;
      leads[at] = 256 | best;
      for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) votes[own[at + dy * wide + dx] & 255] = 0;
    }
  }
}

/** The lead of the nearest cell that has one: what smoothing has brought here has come from there.
 * @param {Int32Array} leads @param {number} i @param {number} wide */
function beside(leads, i, wide) {
  if (i < 3 * wide || i >= leads.length - 3 * wide) return UNKNOWN;
  for (let far = 1; far <= 2; far++) {
    const up = i - far * wide;
    const down = i + far * wide;
    const straight = (leads[i - far] || leads[i + far] || leads[up] || leads[down]) & 255;
    if (straight) return straight;
    const aslant = (leads[up - far] || leads[up + far] || leads[down - far] || leads[down + far]) & 255;
    if (aslant) return aslant;
  }
  return UNKNOWN;
}

/** Colours of every ink at every shade; one row where classes do not colour. @param {import("./points.js").Points} layer
 * @param {boolean} coloured @returns {Int32Array} */
function shadeTable(layer, coloured) {
  const kept = layer.shadeTable;
  if (kept && kept.coloured === coloured) return kept.table;
  const theme = /** @type {import("./theme.js").Theme} */ (layer.theme);
  const table = new Int32Array(coloured ? 128 * LEVELS : LEVELS);
  for (let ink = 0; ink < table.length / LEVELS; ink++) {
    const own = layer.inkTable[ink];
    /** @type {import("./palette.js").Rgb[]} */
    const stops = coloured
      ? [theme.paper, [own & 255, (own >> 8) & 255, (own >> 16) & 255]]
      : [theme.paper, ...theme.ramp.slice(theme.dark ? 0 : 1)]; // the palest would be a muddy fringe
    for (let k = 0; k < LEVELS; k++) table[ink * LEVELS + k] = packed(along(k / (LEVELS - 1), stops)) | (255 << 24);
  }
  layer.shadeTable = { coloured, table };
  return table;
}

/** Three by three cells are averaged, in two passes. @param {Float32Array} field @param {Float32Array} other
 * @param {number} wide @param {number} high */
function smoothed(field, other, wide, high) {
  const n = wide * high;
  for (let i = 1; i < n - 1; i++) other[i] = (field[i - 1] + 2 * field[i] + field[i + 1]) * 0.25;
  for (let i = wide; i < n - wide; i++) field[i] = (other[i - wide] + 2 * other[i] + other[i + wide]) * 0.25;
}
