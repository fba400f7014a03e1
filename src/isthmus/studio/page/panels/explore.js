// Decode anything: press on the map, choose a picture, move the sliders; and see how far from all data that is.

import { Decoder, get, pictured, postNumbers } from "../api.js";
import { el, fill, paint, percent } from "../dom.js";
import { farness } from "../farness.js";

export const words = "Explore";

const FEW = 8; // sliders that are shown before one asks for more
const NEAR = 12;
const REACH = 3; // deviations to each side of a slider

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  const panel = new Explore(host, studio);
  return () => panel.close();
}

class Explore {
  /** @param {HTMLElement} host @param {any} studio */
  constructor(host, studio) {
    this.studio = studio;
    this.atlas = studio.atlas;
    this.run = studio.room.name;
    /** @type {Record<string, number>} */ this.moves = {};
    /** @type {any} */ this.base = null; // { at, map } or { row }
    /** @type {any} */ this.pin = null;
    this.canvas = el("canvas.picture.big", { width: 1, height: 1, role: "img", "aria-label": "The decoded picture" });
    this.far = el("div.meter", null, el("i"));
    this.said = el("span.said");
    this.where = el("small");
    this.steps = el("div.row");
    this.sliders = el("section");
    this.about = el("section");
    fill(host, el("section", null, this.canvas, el("div.row.spread", null, this.said, this.where), this.far, this.steps), this.about, this.sliders);
    this.decoder = new Decoder(this.run, (answer) => this.answered(answer));
    const view = this.atlas.view;
    this.ends = [
      view.on("press", (/** @type {any} */ e) => this.pressed(e)),
      view.on("drag", (/** @type {any} */ e) => this.from({ at: [e.x, e.y] })),
      view.on("release", (/** @type {any} */ e) => this.released(e)),
      view.on("path", (/** @type {any} */ e) => this.walk(e.points)),
    ];
    this.changed = (/** @type {any} */ event) => event.detail.has("row") && this.chosen();
    studio.store.addEventListener("change", this.changed);
    this.middle = () => this.base ?? this.fromMiddle();
    this.atlas.addEventListener("map", this.middle);
    this.begin();
  }

  async begin() {
    this.told(null);
    this.pinned();
    this.chosen();
    const { directions } = await get("directions", { run: this.run }).catch(() => ({ directions: [] }));
    this.directions = directions;
    this.slide();
    if (this.atlas.mapName) this.middle();
  }

  /** Something to look at before anything was pressed: what lies in the middle of the map. */
  fromMiddle() {
    const { cx, cy } = this.atlas.view.getView();
    this.from({ at: [cx, cy] });
  }

  /** @param {any} event */
  pressed({ x, y, row }) {
    this.dragging = false;
    this.from(row === null ? { at: [x, y] } : { row });
  }

  /** @param {any} event */
  released({ row, x, y }) {
    if (this.dragging) return this.studio.store.set({ row: null });
    this.studio.store.set({ row });
    if (row === null) this.from({ at: [x, y] });
  }

  /** Begin anew from a place or a picture. @param {any} base */
  from(base) {
    if (base.at) this.dragging = true;
    if (base.at && !this.atlas.mapName) return this.waits();
    this.base = base.at ? { ...base, map: this.atlas.mapName } : base;
    this.ask();
  }

  waits() {
    this.base = null;
    this.told(null);
    fill(this.said, "this map is still forming; its places decode when it has");
  }

  ask() {
    if (!this.base) return;
    const moved = Object.fromEntries(Object.entries(this.moves).filter(([, v]) => v !== 0));
    const place = Object.keys(moved).length > 0;
    this.decoder.ask({ ...this.base, moves: moved, ...(place ? { place, map: this.atlas.mapName } : {}) });
  }

  /** @param {import("../api.js").Envelope} answer */
  answered({ header, arrays, shapes }) {
    if (header.what) return this.studio.say(header.remedy ? `${header.what}. ${header.remedy}` : header.what, { bad: true });
    paint(this.canvas, /** @type {Uint8Array} */ (arrays.pixels), shapes.pixels);
    this.code = Array.from(arrays.code);
    this.told(header.share, header.words);
    const marks = [];
    if (this.base.at) marks.push({ x: this.base.at[0], y: this.base.at[1], kind: "pin" });
    if (header.place) marks.push({ x: header.place[0], y: header.place[1], kind: "ghost", label: "moved" });
    this.atlas.view.setMarks(marks);
    this.atlas.dispatchEvent(new CustomEvent("decoded", { detail: { ...header, decoder: this.decoder } }));
  }

  /** @param {number | null} share @param {string} [words] where it is from, if the answer says so */
  told(share, words) {
    const far = share === null ? { kind: "", words: "press anywhere on the map" } : farness(share);
    this.said.className = `said ${far.kind}`;
    fill(this.said, far.words);
    this.far.className = `meter ${far.kind}`;
    this.far.hidden = share === null;
    this.far.title = "The share of pictures that lie at least as far from the others";
    /** @type {HTMLElement} */ (this.far.firstChild).style.width = share === null ? "0" : `${Math.max(1, 100 * share)}%`;
    const from = words ?? (this.base?.at ? "a place" : this.base ? "a picture" : "");
    fill(this.where, share === null ? "" : `${from}; ${percent(share, share < 0.01 ? 2 : 0)} lie as far out`);
  }

  // -- the picture that is chosen -------------------------------------------------------------------------------------

  async chosen() {
    const row = this.studio.store.get("row");
    if (row === null || row >= this.studio.room.pictures) return fill(this.about);
    if (this.base?.row !== row) this.from({ row });
    const run = this.run;
    const [about, near] = await Promise.all([get("about", { run, row }), get("neighbours", { run, row, k: NEAR })]).catch((error) => (this.studio.sorry(error), []));
    if (!about || this.studio.store.get("row") !== row) return;
    const facts = Object.entries(about.values).filter(([, value]) => value !== null);
    const figure = (/** @type {string} */ words, redrawn = false) =>
      el("figure", null, pictured(el("img.picture", { alt: `${words} of ${about.id}` }), "picture", { run, row, redrawn: redrawn || undefined }), el("figcaption", null, words));
    const others = near.rows.map((/** @type {number} */ other, /** @type {number} */ i) =>
      el("button", { title: `row ${other}, ${near.distances[i].toPrecision(3)} away`, "aria-label": `Neighbour ${i + 1}`, onclick: () => this.atlas.look(other, true) }, this.atlas.picture(other)));
    fill(this.about, el("h2", null, about.id), el("div.pair", null, figure("picture"), figure("redrawn", true)),
      el("dl.facts", null, ...facts.flatMap(([name, value]) => [el("dt", null, name), el("dd", null, `${value}`)])),
      el("h3", null, "Nearest"), el("div.tiles", null, ...others));
  }

  // -- from one to another --------------------------------------------------------------------------------------------

  pinned() {
    const keep = el("button", { onclick: () => { this.pin = this.base && { ...this.base }; this.pinned(); } }, this.pin ? "Start anew here" : "Walk from here …");
    const go = el("button.main", { onclick: () => this.between() }, "Walk to here");
    fill(this.steps, keep, this.pin ? go : null, this.pin ? el("button.quiet", { onclick: () => { this.pin = null; this.pinned(); } }, "Forget") : null);
  }

  async between() {
    const [a, b] = [this.pin, this.base];
    if (a.row !== undefined && b.row !== undefined) return this.shown(postNumbers("walk", { run: this.run }, { rows: [a.row, b.row], map: this.atlas.mapName }), "From one picture to the other");
    const ends = [a, b].map((one) => one.at ?? Array.from(this.atlas.view.places.subarray(2 * one.row, 2 * one.row + 2)));
    this.walk(Float32Array.from(ends.flat()));
  }

  /** @param {Float32Array} flat */
  walk(flat) {
    const points = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
    this.atlas.view.setPaths([{ points: flat, arrow: true }]);
    this.shown(postNumbers("walk", { run: this.run }, { map: this.atlas.mapName, points, steps: 24 }), "Along the path");
  }

  /** @param {Promise<any>} asked @param {string} title */
  async shown(asked, title) {
    try {
      const told = await asked;
      this.atlas.film.show(told, told.header.words ? `${title}, ${told.header.words}` : title);
    } catch (error) {
      this.studio.sorry(error);
    }
  }

  // -- sliders ----------------------------------------------------------------------------------------------------------

  slide() {
    if (!this.directions.length) return;
    const [numbers, meant] = [this.directions.filter((/** @type {any} */ d) => d.kind === "dimension"), this.directions.filter((/** @type {any} */ d) => d.kind !== "dimension")];
    const rest = numbers.slice(FEW);
    const reset = el("button.quiet", { onclick: () => this.still() }, "All to the middle");
    fill(this.sliders, el("div.row.spread", null, el("h2", null, "Move it"), reset),
      meant.length ? el("details", { open: true }, el("summary", null, "towards what labels mean"), ...meant.map((/** @type {any} */ d) => this.slider(d))) : null,
      el("details", { open: !meant.length }, el("summary", null, "along numbers of the code, strongest first"), ...numbers.slice(0, FEW).map((/** @type {any} */ d) => this.slider(d)),
        rest.length ? el("details", null, el("summary", null, `${rest.length} more`), ...rest.map((/** @type {any} */ d) => this.slider(d))) : null));
  }

  /** @param {any} direction */
  slider(direction) {
    const name = direction.kind === "dimension" ? direction.name : `${direction.kind} ${direction.name}`;
    const output = el("output", null, "0");
    const input = el("input", { type: "range", min: String(-REACH), max: String(REACH), step: "0.05", value: "0", "aria-label": `${name}, in deviations`, oninput: () => {
      this.moves[name] = Number(input.value);
      fill(output, Number(input.value).toFixed(1));
      this.base ??= { row: this.studio.store.get("row") ?? 0 };
      this.ask();
    } });
    return el("label.slider", null, el("span", { title: name }, name), input, output);
  }

  still() {
    this.moves = {};
    this.slide();
    this.ask();
  }

  close() {
    for (const end of this.ends) end();
    this.studio.store.removeEventListener("change", this.changed);
    this.atlas.removeEventListener("map", this.middle);
    this.atlas.view.setMarks([]);
    this.atlas.view.setPaths([]);
    this.decoder.close();
  }
}
