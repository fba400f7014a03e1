// The answers of a page that was sent without its studio: the same questions as of the server, answered from the file.
//
// It stands where api.js stands in the studio, and offers the same names; what the file cannot answer it refuses.

import { paint } from "../dom.js";
import { Refusal, unpack } from "../envelope.js";
import { Grid, along } from "./grid.js";
import { held, Sheets } from "./held.js";
import { table } from "./table.js";

export { Refusal, unpack };

export const still = true;

const MOST_FOUND = 500;

/** @type {Map<string, any>} what was made of the file and is kept */
const kept = new Map();

/** @template T @param {string} name @param {() => T} make @returns {T} */
function once(name, make) {
  if (!kept.has(name)) kept.set(name, make());
  return kept.get(name);
}

const refused = () => new Refusal("this page was sent without its studio", "Open the run with: isthmus studio", 0);

/** @param {"pictures" | "redrawn"} name @returns {Promise<Sheets | null>} */
const sheets = async (name) => {
  const about = (await held()).header[name];
  return about && once(name, () => new Sheets(about));
};

/** Null for a model that does not draw. @param {string} name @returns {Promise<Grid | null>} */
async function grid(name) {
  const all = await held();
  const map = all.header.maps.find((/** @type {any} */ one) => one.name === name);
  if (!map) throw refused();
  return map.grid && once(`grid ${name}`, () => new Grid(map.grid, all.arrays[map.grid.share]));
}

/** What a value reads as, as the studio says it. @param {any} column @param {import("../envelope.js").Numbers} values @param {number} row */
function said(column, values, row) {
  if (column.kind === "classes") return values[row] < 0 ? null : column.names[values[row]];
  if (column.said) return column.said[row]; // as large as somebody's own number of a part: in all its digits
  return Number.isFinite(values[row]) ? Number(values[row].toPrecision(6)) : null;
}

/** @param {number} row @returns {Promise<Record<string, string | number | null>>} */
async function valuesOf(row) {
  const { header, arrays } = await held();
  return Object.fromEntries(header.columns.map((/** @type {any} */ one) => [one.name, said(one, arrays[one.values], row)]));
}

/** One line a picture, in small letters: its id and all that names it. @returns {Promise<string[]>} */
async function texts() {
  const { header, arrays } = await held();
  const named = header.columns.filter((/** @type {any} */ one) => one.searched);
  return once("texts", () => header.ids.map((/** @type {string} */ id, /** @type {number} */ row) =>
    [id, ...named.map((/** @type {any} */ one) => said(one, arrays[one.values], row) ?? "")].join("\n").toLowerCase()));
}

/** @type {Record<string, (asked: any) => Promise<any>>} */
const ANSWERS = {
  async runs() {
    const { header } = await held();
    return { version: header.version, runs: [{ name: header.room.name, usable: true, problem: null }], jobs: [] };
  },
  room: async () => (await held()).header.room,
  open: async () => ({ ready: true, room: (await held()).header.room }),
  columns: async () => ({ columns: (await held()).header.columns.map((/** @type {any} */ one) => ({ ...one, ready: true })) }),
  directions: async () => ({ directions: [] }),
  sent: async () => (await held()).header.sent,
  async about({ row }) {
    const { header, arrays } = await held();
    return { row, id: header.ids[row], values: await valuesOf(row), share: arrays.share[row] };
  },
  async neighbours({ row, k }) {
    const { arrays, shapes } = await held();
    const [from, many] = [row * shapes.near[1], Math.min(k, shapes.near[1])];
    const cut = (/** @type {string} */ name) => Array.from(arrays[name].subarray(from, from + many));
    return { rows: cut("near"), distances: cut("away") };
  },
  async search({ words }) {
    const { header } = await held();
    const wanted = words.trim().toLowerCase();
    if (!wanted) return { rows: [], count: 0 };
    const exact = header.ids.indexOf(words.trim());
    const rows = exact < 0 ? [] : [exact];
    (await texts()).forEach((line, row) => row !== exact && line.includes(wanted) && rows.push(row));
    return { rows: rows.slice(0, MOST_FOUND), count: rows.length };
  },
};

/** @param {string} path @param {any} [asked] */
export async function get(path, asked = {}) {
  if (!Object.hasOwn(ANSWERS, path)) throw refused();
  return ANSWERS[path](asked);
}

/** @param {string} path @param {any} [asked] @param {any} [_body] */
export const post = async (path, asked = {}, _body = undefined) => (path === "open" ? get(path, asked) : Promise.reject(refused()));

/** @param {string} path @param {any} [asked] @returns {Promise<import("../envelope.js").Envelope>} */
export async function getNumbers(path, asked = {}) {
  const { header, arrays } = await held();
  const listed = path === "map" ? header.maps : path === "column" ? header.columns : [];
  const found = listed.find((/** @type {any} */ one) => one.name === asked.name);
  if (!found) throw refused();
  const name = path === "map" ? "places" : "values";
  return { header: found, arrays: { [name]: arrays[found[name]] }, shapes: {} };
}

/** @param {string} path @param {any} [asked] @param {any} [body] @returns {Promise<import("../envelope.js").Envelope>} */
export async function postNumbers(path, asked = {}, body = undefined) {
  if (path === "thumbs") {
    const { pixels, shape } = await /** @type {Sheets} */ (await sheets("pictures")).pixels(body);
    return { header: {}, arrays: { pixels }, shapes: { pixels: [body.length, ...shape] } };
  }
  if (path !== "walk") throw refused();
  const { header, arrays } = await held();
  const map = header.maps.find((/** @type {any} */ one) => one.name === body.map);
  const places = map && arrays[map.places];
  const points = body.points ?? body.rows.map((/** @type {number} */ row) => [places[2 * row], places[2 * row + 1]]);
  const from = await grid(body.map);
  if (!from) throw new Refusal("this model does not draw, so there is nothing along a path", "", 0);
  return from.film(along(points, body.steps ?? 12));
}

/** @param {string} path @param {any} [asked] @param {any} [body] */
export async function postFile(path, asked = {}, body = undefined) {
  if (path !== "selection.csv") throw refused();
  const { header, arrays } = await held();
  const map = header.maps.find((/** @type {any} */ one) => one.name === asked.map);
  const columns = header.columns.map((/** @type {any} */ one) => ({ name: one.name, said: (/** @type {number} */ row) => said(one, arrays[one.values], row) }));
  return new Blob([table(header.ids, map && arrays[map.places], columns, body)], { type: "text/csv" });
}

/** Where a server would be asked; here nobody follows it. @param {string} _path @param {any} [_asked] */
export const address = (_path, _asked) => "#";

/** Show a picture in an image; one that the file does not hold is not there. @param {HTMLImageElement} image @param {string} path @param {any} asked */
export function pictured(image, path, { row, redrawn }) {
  const show = async () => {
    const from = path === "picture" && (await sheets(redrawn ? "redrawn" : "pictures"));
    if (!from) return void ((image.closest("figure") ?? image).hidden = true);
    const { pixels, shape } = await from.pixels([row]);
    const canvas = document.createElement("canvas");
    paint(canvas, pixels, shape);
    image.src = canvas.toDataURL();
  };
  show().catch((error) => console.warn("picture:", error));
  return image;
}

/** Nothing happens in a studio that is not there. */
export class Events extends EventTarget {}

/** Shows what was decoded when the page was made: a picture of the grid for a place, what was redrawn for a picture. */
export class Decoder {
  /** @param {string} _run @param {(answer: import("../envelope.js").Envelope) => void} then */
  constructor(_run, then) {
    this.then = then;
    this.busy = this.closed = false;
    this.took = 0; // milliseconds, as of the studio's
    /** @type {any} */ this.latest = null;
  }

  /** @param {any} question */
  ask(question) {
    this.latest = question;
    if (!this.busy) this.pump();
  }

  async pump() {
    this.busy = true;
    while (this.latest && !this.closed) {
      const question = this.latest;
      this.latest = null;
      const answer = await this.answer(question).catch((/** @type {any} */ error) => ({ header: { what: error.message }, arrays: {}, shapes: {} }));
      if (!this.closed && answer) this.then(answer);
    }
    this.busy = false;
  }

  /** @param {any} question @returns {Promise<import("../envelope.js").Envelope | null>} */
  async answer({ at, map, row }) {
    if (at) return (await grid(map))?.picture(at) ?? null;
    const [redrawn, pictures] = [await sheets("redrawn"), await sheets("pictures")];
    const { pixels, shape } = await /** @type {Sheets} */ (redrawn ?? pictures).pixels([row]);
    const share = (await held()).arrays.share[row];
    return { header: { share, words: redrawn ? "the picture, redrawn" : "the picture itself" }, arrays: { pixels, code: new Float32Array(0) }, shapes: { pixels: shape } };
  }

  close() {
    this.closed = true;
  }
}
