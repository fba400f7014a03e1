// Small pictures that have been fetched, many to a page, pages dropped when they were least lately looked at. A page
// is made once and never changed: a canvas that is written and read in turn would be copied whole each time.

/** @typedef {{width: number, height: number, channels: number, pixels: Uint8Array}} Pixels */
/** @typedef {(rows: Uint32Array) => Promise<Pixels>} Provider */
/** @typedef {{bitmap: ImageBitmap, rows: Uint32Array, used: number, size: number, across: number, width: number, height: number, arrived: number}} Page */

const A_BATCH = 512; // rows in one request
const FIRST_BATCH = 96; // the first is small, so that something is soon there
const AT_ONCE = 2; // requests under way
const A_PAGE = 64; // pictures at most
const PAGE_PIXELS = 262144; // and pixels at most: what becomes RGBA in a few milliseconds
const MOST_PIXELS = 20e6; // of all pages: 80 MB
const AGAIN = 3000; // milliseconds until what has failed is asked for again

export class Pages {
  /** @param {Provider} provider @param {() => void} changed */
  constructor(provider, changed) {
    this.provider = provider;
    this.changed = changed;
    /** @type {Map<number, {page: Page, slot: number}>} */
    this.held = new Map();
    /** @type {Set<Page>} */
    this.pages = new Set();
    /** @type {Map<number, number>} rows asked for or waiting to be laid out; for a failed one, when it may be asked again */
    this.asked = new Map();
    /** @type {{rows: Uint32Array, pixels: Pixels, from: number}[]} */
    this.waiting = [];
    this.under = 0;
    this.total = 0;
    this.laying = false;
    this.ended = false;
    this.longest = 0; // milliseconds that laying out one page has taken at most
  }

  /** @param {number} row @param {number} now */
  get(row, now) {
    const found = this.held.get(row);
    if (found) found.page.used = now;
    return found;
  }

  /** Ask for what is not there. @param {number[]} rows the most wanted first @param {number} now */
  want(rows, now) {
    if (this.waiting.length > 1) return; // what has come is laid out first
    const room = this.held.size || this.under ? A_BATCH : FIRST_BATCH;
    const missing = [];
    for (const row of rows) {
      if (missing.length >= room || this.under >= AT_ONCE) break;
      const asked = this.asked.get(row);
      if (this.held.has(row) || (asked !== undefined && now < asked)) continue;
      missing.push(row);
    }
    if (missing.length && this.under < AT_ONCE) void this._fetch(Uint32Array.from(missing));
  }

  /** @param {Uint32Array} rows */
  async _fetch(rows) {
    this.under++;
    for (const row of rows) this.asked.set(row, Infinity);
    try {
      const pixels = await this.provider(rows);
      if (this.ended) return;
      const needed = rows.length * pixels.width * pixels.height * pixels.channels;
      if (pixels.pixels.length < needed) throw new Error(`${pixels.pixels.length} bytes of pictures instead of ${needed}`);
      this.waiting.push({ rows, pixels, from: 0 });
      this._lay();
    } catch (error) {
      const later = performance.now() + AGAIN;
      for (const row of rows) this.asked.set(row, later);
      console.warn("thumbnails:", error);
      setTimeout(this.changed, AGAIN + 50);
    } finally {
      this.under--;
      if (!this.ended) this.changed();
    }
  }

  /** One page a turn, so that no frame waits for a whole batch. */
  _lay() {
    if (this.laying || this.ended) return;
    const next = this.waiting[0];
    if (!next) return;
    this.laying = true;
    const began = performance.now();
    const { rows, pixels, from } = next;
    const { width, height } = pixels;
    const many = Math.max(1, Math.min(A_PAGE, Math.floor(PAGE_PIXELS / (width * height))));
    const own = rows.subarray(from, from + many);
    next.from += own.length;
    if (next.from >= rows.length) this.waiting.shift();
    const across = Math.min(own.length, 8);
    const sheet = sheetOf(pixels, from, own.length, across);
    this.longest = Math.max(this.longest, performance.now() - began);
    createImageBitmap(sheet).then(
      (bitmap) => this._keep({ bitmap, rows: own, used: 0, size: sheet.width * sheet.height, across, width, height, arrived: performance.now() }),
      () => own.forEach((row) => this.asked.delete(row)),
    ).finally(() => {
      this.laying = false;
      if (this.ended) return;
      this.changed();
      setTimeout(() => this._lay(), 4); // a frame may come between two pages
    });
  }

  /** @param {Page} page */
  _keep(page) {
    if (this.ended) {
      page.bitmap.close();
      return;
    }
    page.used = page.arrived;
    this.pages.add(page);
    this.total += page.size;
    page.rows.forEach((row, slot) => {
      this.asked.delete(row);
      this.held.set(row, { page, slot });
    });
    while (this.total > MOST_PIXELS && this.pages.size > 1) {
      const oldest = [...this.pages].reduce((a, b) => (b.used < a.used ? b : a));
      if (oldest === page) break;
      this._drop(oldest);
    }
  }

  /** @param {Page} page */
  _drop(page) {
    this.pages.delete(page);
    this.total -= page.size;
    for (const row of page.rows) if (this.held.get(row)?.page === page) this.held.delete(row);
    page.bitmap.close();
  }

  destroy() {
    this.ended = true;
    for (const page of [...this.pages]) this._drop(page);
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
        else out[p] = ((channels === 4 ? pixels[at + 3] : 255) << 24) | (pixels[at + 2] << 16) | (pixels[at + 1] << 8) | red;
      }
    }
  }
  return sheet;
}
