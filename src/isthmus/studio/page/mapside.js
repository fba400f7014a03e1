// One run's map with its bar above and its scores below: which map, coloured by what, what each dot is.

import { get, getNumbers, post } from "./api.js";
import { choice, el, fill, whole } from "./dom.js";
import { Hover } from "./hover.js";
import { legend } from "./legend.js";
import { MapView } from "./map/view.js";
import { Thumbnails } from "./thumbnails.js";

const MORPH = 900;
const LARGE = 200_000; // more points than this are moved without a show

export class MapSide {
  /** @param {import("./atlas.js").Atlas} atlas @param {any} room @param {boolean} first whether panels and address bar follow it */
  constructor(atlas, room, first) {
    this.atlas = atlas;
    this.studio = atlas.studio;
    this.store = atlas.studio.store;
    this.room = room;
    this.run = room.name;
    this.first = first;
    /** @type {any} */ this.map = null;
    /** @type {any[]} */ this.columns = [];
    this.forming = 0; // a timer, while a map is being drawn
    this.between = false; // what is seen is a map that forms: its places lead to no codes yet
    this.gone = false;
    this.turns = { map: 0, colour: 0 }; // the newest that was asked for; what comes later for an older one is dropped
    const { x, y, z } = this.store.state;
    this.asked = first && Number.isFinite(x) && Number.isFinite(y) && z ? { cx: x, cy: y, zoom: z } : null;
    this.thumbs = new Thumbnails(this.run);
    this.bar = el("div.mapbar");
    this.host = el("div.maphost");
    this.foot = el("div.mapfoot");
    this.key = el("div.legend", { hidden: true });
    this.element = el("section.mapside", { "aria-label": `Map of ${this.run}` }, this.bar, this.host, this.key, this.foot);
    const label = `Map of ${whole(room.pictures)} pictures`;
    this.view = new MapView(this.host, { label, describe: (/** @type {number} */ row) => this.described(row) });
    this.view.setPoints(new Float32Array(0), {});
    this.view.setThumbs((/** @type {Uint32Array} */ rows) => this.thumbs.fetch(rows));
    this.hover = new Hover(this);
    this.wire();
  }

  wire() {
    this.view.on("select", (/** @type {any} */ e) => this.atlas.select(e.rows, this, true));
    this.view.on("open", (/** @type {any} */ e) => this.first && this.atlas.look(e.row));
    this.onDesk = (/** @type {any} */ event) => {
      if (event.detail.run !== this.run || this.gone) return;
      if (!this.columns.some((one) => one.name === "prediction")) this.list().then(() => this.recolour());
      else if (["label", "prediction", "certainty"].includes(this.colour)) this.recolour();
    };
    this.studio.events.addEventListener("desk", this.onDesk);
    if (!this.first) return;
    this.view.on("view", (/** @type {any} */ e) => this.map && !this.asked && this.store.set({ x: e.cx, y: e.cy, z: e.zoom }));
    this.changed = (/** @type {any} */ event) => {
      if (event.detail.has("map") && this.store.get("map") && this.store.get("map") !== this.map?.name) {
        this.open(this.store.get("map")).catch(this.studio.sorry);
      }
      if (event.detail.has("colour")) this.recolour();
    };
    this.store.addEventListener("change", this.changed);
  }

  get colour() {
    return this.first ? this.store.get("colour", "label") : (this.ownColour ?? this.store.get("colour", "label"));
  }

  /** The map of the address bar, or the best there is; where there is none, one is drawn at once and a better one after it. */
  async begin() {
    this.view.setTheme(); // now that it is on the page, whose colours it has
    try {
      await this.list();
      const best = ["latent", "umap", "tsne", "pca"].find((name) => this.room.maps.includes(name)) ?? this.room.maps[0];
      const wanted = this.first ? this.store.get("map") : null;
      if (best) await this.open(this.room.maps.includes(wanted) ? wanted : best, true);
      else if (this.room.numbers === 2) await this.draw("latent");
      else await this.draw("pca");
      if (!this.gone && String(this.room.maps) === "pca" && this.room.projections.umap) await this.draw("umap");
    } catch (error) {
      this.studio.sorry(error);
    }
  }

  async list() {
    this.columns = (await get("columns", { run: this.run })).columns;
    this.topbar();
  }

  /** Show a map that is there. @param {string} name */
  async open(name, fresh = false) {
    const turn = ++this.turns.map;
    const told = await getNumbers("map", { run: this.run, name });
    if (this.gone || turn !== this.turns.map) return;
    this.map = told.header;
    this.between = false;
    this.place(/** @type {Float32Array} */ (told.arrays.places), fresh);
    this.topbar();
    await this.recolour();
    if (this.first) this.atlas.dispatchEvent(new CustomEvent("map"));
    const row = this.store.get("row");
    if (this.first && row !== null && row < this.room.pictures) this.view.goTo(row);
  }

  /** @param {Float32Array} places */
  place(places, fresh = false) {
    if (this.view.places.length !== places.length || places.length > 2 * LARGE) {
      this.view.setPoints(places, {});
      if (fresh && this.asked) this.view.setView(this.asked, false);
    } else this.view.moveTo(places, MORPH);
    this.asked = null;
  }

  /** A new map, seen while it forms. @param {string} by */
  async draw(by) {
    const { job } = await post("map", { run: this.run }, { by });
    let seen = 0;
    const forming = async () => {
      const { header, arrays } = await getNumbers("map/forming", { run: this.run, name: by }).catch(() => ({ header: { turn: 0 }, arrays: /** @type {any} */ ({}) }));
      if (header.turn > seen && this.forming) {
        this.between = true;
        this.place(/** @type {Float32Array} */ (arrays.places));
        fill(this.foot, `${this.room.projections[by].words}, forming …`);
      }
      seen = Math.max(seen, header.turn);
      if (this.forming) this.forming = setTimeout(forming, MORPH);
    };
    this.forming = setTimeout(forming, 200);
    try {
      await this.studio.jobs.done(job);
    } catch (error) {
      if (this.between && this.map && !this.gone) await this.open(this.map.name); // what had formed is no map
      throw error;
    } finally {
      clearTimeout(this.forming);
      this.forming = 0;
    }
    if (this.gone) return;
    if (!this.room.maps.includes(by)) this.room.maps.push(by);
    if (this.first) this.store.set({ map: by });
    await this.open(by);
  }

  /** Colours anew, by the column that is chosen; one that is not there yet is made first. */
  async recolour() {
    const wanted = this.columns.find((one) => one.name === this.colour) ?? this.columns[0];
    if (!this.map || !wanted || this.gone) return;
    const turn = ++this.turns.colour;
    try {
      if (!wanted.ready) {
        const { job } = await post("column", { run: this.run, name: wanted.name });
        await this.studio.jobs.done(job);
        wanted.ready = true;
      }
      if (this.gone || turn !== this.turns.colour) return;
      const { header, arrays } = await getNumbers("column", { run: this.run, name: wanted.name });
      if (this.gone || turn !== this.turns.colour) return;
      this.coloured = header;
      const colours = header.kind === "classes" ? { kind: "classes", codes: arrays.values, names: header.names } : { ...header, values: arrays.values };
      this.view.setColours(/** @type {any} */ (colours));
      legend(this.key, this, header, arrays.values);
      if (this.first) this.atlas.dispatchEvent(new CustomEvent("coloured", { detail: header.name }));
    } catch (error) {
      this.studio.sorry(error);
    }
  }

  topbar() {
    const drawn = this.room.maps.map((/** @type {string} */ name) => ({ value: name, words: this.room.projections[name]?.words ?? name }));
    const could = Object.entries(this.room.projections)
      .filter(([name]) => !this.room.maps.includes(name) && (name !== "latent" || this.room.numbers === 2))
      .map(([name, about]) => ({ value: `draw ${name}`, words: `draw ${/** @type {any} */ (about).words} …` }));
    const pick = choice([...drawn, ...could], this.map?.name ?? "", (value) => this.chosen(value), { "aria-label": "Map", title: "Map" });
    const inks = this.columns.map(({ name, ready }) => ({ value: name, words: ready ? name : `${name} …` }));
    const ink = choice(inks, this.colour, (name) => this.inked(name), { "aria-label": "Colour by", title: "Colour by" });
    const modes = [["auto", "pictures"], ["points", "dots"], ["density", "density"]].map(([value, words]) => ({ value, words }));
    const mode = choice(modes, this.mode ?? "auto", (/** @type {string} */ value) => this.view.setMode(/** @type {any} */ ((this.mode = value))), { "aria-label": "Show as", title: "Show as" });
    fill(this.bar, this.first ? null : el("b", null, this.run), pick, ink, mode, this.first ? this.tools() : this.leave());
    const scores = this.map ? [this.map.scores, this.map.distilled ? `new pictures: ${this.map.distilled}` : null] : [];
    fill(this.foot, el("span", null, this.map ? `${this.map.words} of ${this.map.of}` : ""), ...[this.room.sent, ...scores].map((words) => words && el("span", null, words)));
  }

  tools() {
    const kinds = [["point", "Press", "Press anywhere to decode there; drag to follow"], ["lasso", "Lasso", "Draw around pictures to choose them (Shift adds, Alt takes away)"], ["path", "Path", "Draw a path, and see the film along it"], ["pan", "Move", "Drag the map"]];
    const press = (/** @type {string} */ tool) => () => {
      this.view.setTool(/** @type {any} */ ((this.tool = tool)));
      for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.tool === tool));
    };
    const buttons = kinds.map(([tool, words, title]) => el("button", { title, "aria-pressed": String(tool === (this.tool ?? "point")), data: { tool }, onclick: press(tool) }, words));
    return el("div.tools", { role: "group", "aria-label": "Tools" }, ...buttons, el("button", { title: "Show everything (0)", onclick: () => this.view.fit(true) }, "All"));
  }

  leave() {
    return el("button.quiet", { "aria-label": "Close this map", onclick: () => this.store.set({ with: null }) }, "×");
  }

  /** @param {string} value */
  chosen(value) {
    if (value.startsWith("draw ")) this.draw(value.slice(5)).catch((error) => (this.studio.sorry(error), this.topbar()));
    else if (this.first) this.store.set({ map: value });
    else this.open(value).catch(this.studio.sorry);
  }

  /** @param {string} name */
  inked(name) {
    if (this.first) return this.store.set({ colour: name });
    this.ownColour = name;
    this.recolour();
  }

  /** What a row is, in words. @param {number} row */
  async described(row) {
    const { id, values } = await get("about", { run: this.run, row });
    const told = Object.entries(values).filter(([, value]) => value !== null).slice(0, 4);
    return [`picture ${id}`, ...told.map(([name, value]) => `${name} ${value}`)].join(", ");
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.forming);
    this.forming = 0;
    this.studio.events.removeEventListener("desk", this.onDesk);
    if (this.changed) this.store.removeEventListener("change", this.changed);
    this.hover.close();
    this.view.destroy();
  }
}
