// What answers are: numbers in an envelope, as they lie in memory, or a sentence that says why not.

/** What a server said that it cannot do: one sentence, and a remedy. */
export class Refusal extends Error {
  constructor(/** @type {string} */ what, /** @type {string} */ remedy, /** @type {number} */ status) {
    super(remedy ? `${what}. ${remedy}` : what);
    this.status = status;
  }
}

/** @typedef {Float32Array | Int32Array | Uint32Array | Uint8Array} Numbers */
/** @typedef {{ header: any, arrays: Record<string, Numbers>, shapes: Record<string, number[]> }} Envelope */

const KINDS = /** @type {const} */ ({ f4: Float32Array, i4: Int32Array, u4: Uint32Array, u1: Uint8Array });

/** @param {ArrayBuffer} content @returns {Envelope} */
export function unpack(content) {
  const length = new DataView(content).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, length)));
  /** @type {Record<string, Numbers>} */ const arrays = {};
  /** @type {Record<string, number[]>} */ const shapes = {};
  let reached = 4 + length;
  for (const { name, dtype, shape } of header.arrays) {
    reached += (4 - (reached % 4)) % 4;
    const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    arrays[name] = new KINDS[/** @type {keyof typeof KINDS} */ (dtype)](content, reached, count);
    shapes[name] = shape;
    reached += arrays[name].byteLength;
  }
  return { header, arrays, shapes };
}
