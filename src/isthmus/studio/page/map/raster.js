// Dots into pixels. While points are laid down a pixel holds `coverage << 8 | ink`: the ink of the last dot that
// covered it and how much was laid in all. Then every pixel is looked up: the more was laid, the more opaque the ink.
// Inks are below 128; 128 is added for the rim of a large dot. Ink 0 is nothing: such points are not drawn.

export const FULL = 15; // the weight of one whole pixel of one dot; a million of them do not overflow 24 bits
const PHASES = 4; // places within a pixel, each way, that a dot's edge knows

/**
 * @typedef {object} Target where dots are laid
 * @property {Int32Array} pixels
 * @property {number} wide @property {number} high with the margins
 * @property {number} sx @property {number} tx pixel = x * sx + tx
 * @property {number} sy @property {number} ty
 */

/**
 * One pixel a point.
 * @param {Target} target @param {Float32Array} xs @param {Float32Array} ys @param {Uint8Array} inks
 * @param {number} from @param {number} to @param {number} weight @param {number} step only every so many of them
 */
export function layPixels(target, xs, ys, inks, from, to, weight, step = 1) {
  const { pixels, wide, high, sx, tx, sy, ty } = target;
  const add = weight << 8;
  for (let i = Math.ceil(from / step) * step; i < to; i += step) {
    const px = (xs[i] * sx + tx) | 0;
    const py = (ys[i] * sy + ty) | 0;
    if (px > 0 && py > 0 && px < wide && py < high) {
      const ink = inks[i];
      if (ink !== 0) {
        const at = py * wide + px;
        pixels[at] = ((pixels[at] & -256) + add) | ink;
      }
    }
  }
}

/**
 * Two by two pixels a point: what high-resolution screens need where one pixel is a speck.
 * @param {Target} target @param {Float32Array} xs @param {Float32Array} ys @param {Uint8Array} inks
 * @param {number} from @param {number} to @param {number} weight @param {number} step only every so many of them
 */
export function laySquares(target, xs, ys, inks, from, to, weight, step = 1) {
  const { pixels, wide, high, sx, tx, sy, ty } = target;
  const add = weight << 8;
  for (let i = Math.ceil(from / step) * step; i < to; i += step) {
    const px = (xs[i] * sx + tx) | 0;
    const py = (ys[i] * sy + ty) | 0;
    if (px > 0 && py > 0 && px < wide - 1 && py < high - 1) {
      const ink = inks[i];
      if (ink !== 0) {
        const at = py * wide + px;
        const below = at + wide;
        pixels[at] = ((pixels[at] & -256) + add) | ink;
        pixels[at + 1] = ((pixels[at + 1] & -256) + add) | ink;
        pixels[below] = ((pixels[below] & -256) + add) | ink;
        pixels[below + 1] = ((pixels[below + 1] & -256) + add) | ink;
      }
    }
  }
}

/**
 * A disc a point, its edge as smooth as PHASES allow.
 * @param {Target} target @param {Float32Array} xs @param {Float32Array} ys @param {Uint8Array} inks
 * @param {number} from @param {number} to @param {Stamp} stamp
 * @param {Uint32Array | null} which positions to draw (all from `from` to `to` if null, else those of this list)
 * @param {number} only the one ink to draw with; 0 for each point's own
 */
export function layDiscs(target, xs, ys, inks, from, to, stamp, which = null, only = 0) {
  const { pixels, wide, high, sx, tx, sy, ty } = target;
  const { reach, begins, offsets, adds, flags } = stamp;
  for (let k = from; k < to; k++) {
    const i = which === null ? k : which[k];
    const own = inks[i];
    if (own === 0) continue;
    const ink = only === 0 ? own : only;
    const fx = xs[i] * sx + tx;
    const fy = ys[i] * sy + ty;
    const px = fx | 0;
    const py = fy | 0;
    if (px < reach || py < reach || px >= wide - reach || py >= high - reach) continue;
    const phase = 3 * ((((fy - py) * PHASES) | 0) * PHASES + (((fx - px) * PHASES) | 0));
    const at = py * wide + px;
    const edge = begins[phase + 1];
    const end = begins[phase + 2];
    let j = begins[phase];
    for (; j < edge; j++) {
      const p = at + offsets[j];
      pixels[p] = ((pixels[p] & -256) + adds[j]) | ink | flags[j];
    }
    for (; j < end; j++) {
      const p = at + offsets[j];
      const v = pixels[p];
      pixels[p] = v === 0 ? adds[j] | ink | flags[j] : v + adds[j]; // a faint edge does not recolour its neighbour
    }
  }
}

/**
 * @typedef {object} Stamp the pixels of a disc at every phase
 * @property {number} reach
 * @property {Int32Array} begins of a phase: where its body begins, where its faint edge begins, where it ends
 * @property {Int32Array} offsets @property {Int32Array} adds @property {Uint8Array} flags
 */

/**
 * @param {number} radius in pixels @param {number} wide the width of the target @param {number} strength 0 to 1
 * @param {number} rim how wide a darker rim is, in pixels; 0 for none
 * @returns {Stamp}
 */
export function stampOf(radius, wide, strength = 1, rim = 0) {
  const reach = Math.ceil(radius) + 1;
  const begins = new Int32Array(3 * PHASES * PHASES);
  const body = /** @type {number[][]} */ ([]);
  for (let phase = 0; phase < PHASES * PHASES; phase++) {
    const cy = (Math.floor(phase / PHASES) + 0.5) / PHASES;
    const cx = ((phase % PHASES) + 0.5) / PHASES;
    const found = /** @type {number[][]} */ ([]);
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const far = Math.hypot(x + 0.5 - cx, y + 0.5 - cy);
        const cover = Math.min(1, Math.max(0, radius - far + 0.5));
        const weight = Math.round(cover * strength * FULL);
        if (weight > 0) found.push([y * wide + x, weight << 8, rim && far > radius - rim ? 128 : 0, cover]);
      }
    }
    const solid = found.filter((one) => one[3] >= 0.5);
    begins[3 * phase] = body.length;
    begins[3 * phase + 1] = body.length + solid.length;
    body.push(...solid, ...found.filter((one) => one[3] < 0.5));
    begins[3 * phase + 2] = body.length;
  }
  return {
    reach,
    begins,
    offsets: Int32Array.from(body, (one) => one[0]),
    adds: Int32Array.from(body, (one) => one[1]),
    flags: Uint8Array.from(body, (one) => one[2]),
  };
}

/**
 * Coverage and ink become colours.
 * @param {Int32Array} pixels @param {Int32Array} table `[ink << 8 | coverage]`; its first entry is paper
 */
export function resolve(pixels, table) {
  const paper = table[0];
  for (let i = 0, n = pixels.length; i < n; i++) {
    const v = pixels[i];
    if (v === 0) pixels[i] = paper;
    else {
      const cover = v >>> 8;
      pixels[i] = table[((v & 255) << 8) | (cover > 255 ? 255 : cover)];
    }
  }
}

/**
 * The table that `resolve` reads: each ink over paper.
 * @param {Int32Array} inks 256 colours, `r | g << 8 | b << 16` @param {number} paper @param {number} alpha of one whole pixel
 * @param {Int32Array} table 65,536 entries
 */
export function mixTable(inks, paper, alpha, table) {
  const shares = new Float32Array(256);
  for (let c = 0; c < 256; c++) {
    // Up to one dot coverage is linear (the edge of a disc); then each further dot hides as much of what is left.
    shares[c] = c <= FULL ? (alpha * c) / FULL : 1 - Math.pow(1 - alpha, c / FULL);
  }
  const [pr, pg, pb] = [paper & 255, (paper >> 8) & 255, (paper >> 16) & 255];
  for (let ink = 0; ink < 256; ink++) {
    const [r, g, b] = [inks[ink] & 255, (inks[ink] >> 8) & 255, (inks[ink] >> 16) & 255];
    for (let c = 0; c < 256; c++) {
      const s = shares[c];
      const red = (pr + (r - pr) * s + 0.5) | 0;
      const green = (pg + (g - pg) * s + 0.5) | 0;
      const blue = (pb + (b - pb) * s + 0.5) | 0;
      table[(ink << 8) | c] = (255 << 24) | (blue << 16) | (green << 8) | red;
    }
  }
  table[0] = (255 << 24) | (pb << 16) | (pg << 8) | pr;
}
