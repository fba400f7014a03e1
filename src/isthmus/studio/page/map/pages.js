// Small pictures that have been fetched, many to a page, pages dropped when they were least lately looked at. A page
// is made once and never changed: a canvas that is written and read in turn would be copied whole each time.

import { SheetMaker } from "./sheets.js";

/** @typedef {import("./sheets.js").Pixels} Pixels */
/** @typedef {(rows: Uint32Array) => Promise<Pixels>} Provider */
/**
 * @typedef {object} Page
 * @property {ImageBitmap} bitmap @property {Uint32Array} rows in its order @property {number} across pictures side by side
 * @property {number} width of a picture @property {number} height @property {number} size pixels of the page
 * @property {number} arrived @property {number} used when it was last looked at
 */

const A_BATCH = 512; // rows in one request
const FIRST_BATCH = 96; // the first is small, so that something is soon there
const AT_ONCE = 2; // requests under way
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
    this.maker = new SheetMaker();
    this.under = 0;
    this.total = 0;
    this.ended = false;
  }

  /** @param {number} row @param {number} now */
  get(row, now) {
    const found = this.held.get(row);
    if (found) found.page.used = now;
    return found;
  }

  /** Ask for what is not there. @param {number[]} rows the most wanted first @param {number} now */
  want(rows, now) {
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
      const { width, height } = pixels;
      await this.maker.make(pixels, rows.length, ({ bitmap, from, count, across }) => {
        const own = rows.slice(from, from + count);
        const arrived = performance.now();
        this._keep({ bitmap, rows: own, used: arrived, size: bitmap.width * bitmap.height, across, width, height, arrived });
        this.changed();
      });
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

  /** @param {Page} page */
  _keep(page) {
    if (this.ended) {
      page.bitmap.close();
      return;
    }
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
    this.maker.destroy();
    for (const page of [...this.pages]) this._drop(page);
  }
}
