// What a page holds that was sent without its studio: one envelope of numbers, and sheets of pictures, all in its file.

import { unpack } from "../envelope.js";

const MOST = 128 * 2 ** 20; // bytes of decoded sheets that are kept

/** The content of one block of the file. @param {string} name @returns {Uint8Array<ArrayBuffer>} */
function block(name) {
  const text = atob(/** @type {HTMLElement} */ (document.getElementById(name)).textContent ?? "");
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** @type {Promise<import("../envelope.js").Envelope> | null} */
let numbers = null;

/** The envelope, unpacked once. */
export function held() {
  numbers ??= (async () => {
    const flow = new Blob([block("numbers")]).stream().pipeThrough(new DecompressionStream("gzip"));
    return unpack(await new Response(flow).arrayBuffer());
  })();
  return numbers;
}

/** Pictures laid out in sheets; each sheet is decoded when one of its pictures is wanted. */
export class Sheets {
  /** @param {{ name: string, kind: string, count: number, sheet: number, across: number, width: number, height: number, channels: number }} about */
  constructor(about) {
    this.about = about;
    this.size = about.width * about.height * about.channels;
    /** @type {Map<number, Promise<Uint8Array>>} the least lately used first */
    this.decoded = new Map();
  }

  /** Pixels of these, one after another. @param {ArrayLike<number>} wanted */
  async pixels(wanted) {
    const { sheet, width, height, channels } = this.about;
    const pixels = new Uint8Array(wanted.length * this.size);
    for (let i = 0; i < wanted.length; i++) {
      const from = (wanted[i] % sheet) * this.size;
      pixels.set((await this.sheet(Math.floor(wanted[i] / sheet))).subarray(from, from + this.size), i * this.size);
    }
    return { pixels, shape: [height, width, channels] };
  }

  /** @param {number} number */
  sheet(number) {
    const found = this.decoded.get(number) ?? this.decode(number);
    this.decoded.delete(number);
    this.decoded.set(number, found);
    const most = Math.max(2, Math.floor(MOST / (this.about.sheet * this.size)));
    for (const old of this.decoded.keys()) {
      if (this.decoded.size <= most) break;
      this.decoded.delete(old);
    }
    return found;
  }

  /** @param {number} number @returns {Promise<Uint8Array>} */
  async decode(number) {
    const { name, kind, count, sheet, across, width, height, channels } = this.about;
    const blob = new Blob([block(`${name}-${number}`)], { type: kind });
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true }));
    pen.drawImage(bitmap, 0, 0);
    const seen = pen.getImageData(0, 0, bitmap.width, bitmap.height).data;
    const there = Math.min(sheet, count - number * sheet);
    const found = new Uint8Array(there * this.size);
    for (let k = 0, at = 0; k < there; k++) {
      const corner = (Math.floor(k / across) * height * bitmap.width + (k % across) * width) * 4;
      for (let y = 0; y < height; y++) {
        for (let x = 0, from = corner + y * bitmap.width * 4; x < width; x++, from += 4) {
          for (let c = 0; c < channels; c++) found[at++] = seen[from + c];
        }
      }
    }
    bitmap.close();
    return found;
  }
}
