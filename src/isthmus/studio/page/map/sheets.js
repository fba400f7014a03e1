// Pictures of a batch, side by side on sheets as the screen draws them. Made in a worker, so that no frame waits for
// it; where there is none, here, a sheet at a time.

/** @typedef {{width: number, height: number, channels: number, pixels: Uint8Array}} Pixels */
/** @typedef {{bitmap: ImageBitmap, from: number, count: number, across: number}} Sheet */

const A_SHEET = 64; // pictures at most
const SHEET_PIXELS = 131072; // and pixels at most, which are a few milliseconds of work

/** How many pictures go on a sheet. @param {Pixels} pixels */
const manyOf = ({ width, height }) => Math.max(1, Math.min(A_SHEET, Math.floor(SHEET_PIXELS / (width * height))));

/** All sheets of a batch, each told as soon as it is there. @param {Pixels} pixels @param {number} count
 * @param {(sheet: Sheet) => void} told @param {() => Promise<void>} rest before the next one */
export async function sheets(pixels, count, told, rest = async () => {}) {
  const many = manyOf(pixels);
  for (let from = 0; from < count; from += many) {
    const own = Math.min(many, count - from);
    const across = Math.min(own, 8);
    told({ bitmap: await createImageBitmap(sheetOf(pixels, from, own, across)), from, count: own, across });
    await rest();
  }
}

/** Some pictures of a batch side by side, as RGBA. One channel is grey, three and four are colours, of others the first.
 * @param {Pixels} pixels @param {number} from @param {number} count @param {number} across @returns {ImageData} */
function sheetOf({ width, height, channels, pixels }, from, count, across) {
  const sheet = new ImageData(across * width, Math.ceil(count / across) * height);
  const out = new Int32Array(sheet.data.buffer);
  const wide = sheet.width;
  for (let k = 0; k < count; k++) {
    const corner = Math.floor(k / across) * height * wide + (k % across) * width;
    let at = (from + k) * width * height * channels;
    for (let y = 0; y < height; y++) {
      for (let p = corner + y * wide, end = p + width; p < end; p++, at += channels) {
        const red = pixels[at];
        if (channels < 3) out[p] = (255 << 24) | (red << 16) | (red << 8) | red;
        else {
          const alpha = channels === 4 ? pixels[at + 3] : 255;
          out[p] = (alpha << 24) | (pixels[at + 2] << 16) | (pixels[at + 1] << 8) | red;
        }
      }
    }
  }
  return sheet;
}

/** Asks a worker for sheets. */
export class SheetMaker {
  constructor() {
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Map<number, {told: (sheet: Sheet) => void, done: () => void, here: () => Promise<void>}>} */
    this.waiting = new Map();
    this.asked = 0;
    try {
      this.worker = new Worker(new URL("./sheets-worker.js", import.meta.url), { type: "module" });
      this.worker.onmessage = ({ data }) => this._came(data);
      this.worker.onerror = () => this._failed();
    } catch {
      this.worker = null;
    }
  }

  /** @param {Pixels} pixels @param {number} count @param {(sheet: Sheet) => void} told @returns {Promise<void>} */
  make(pixels, count, told) {
    const pause = () => /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve, 8)));
    const here = () => sheets(pixels, count, told, pause);
    if (!this.worker) return here();
    const id = ++this.asked;
    // A copy goes: what the provider gave may be part of something that it keeps.
    const copy = pixels.pixels.slice(0, count * pixels.width * pixels.height * pixels.channels);
    return new Promise((done) => {
      this.waiting.set(id, { told, done, here });
      const { width, height, channels } = pixels;
      this.worker?.postMessage({ id, count, width, height, channels, pixels: copy }, { transfer: [copy.buffer] });
    });
  }

  /** @param {{id: number, sheet?: Sheet}} answer */
  _came({ id, sheet }) {
    const waiting = this.waiting.get(id);
    if (sheet) waiting ? waiting.told(sheet) : sheet.bitmap.close();
    else if (waiting) {
      this.waiting.delete(id);
      waiting.done();
    }
  }

  _failed() {
    this.worker?.terminate();
    this.worker = null;
    for (const { here, done } of this.waiting.values()) void here().then(done, done);
    this.waiting.clear();
  }

  destroy() {
    this.worker?.terminate();
    this.worker = null;
    this.waiting.clear();
  }
}
