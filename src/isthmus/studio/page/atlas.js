// The table with one map on it, or two of different runs with one selection: what panels see of the maps.

import { get, getNumbers, post } from "./api.js";
import { el, fill } from "./dom.js";
import { Film } from "./film.js";
import { MapSide } from "./mapside.js";

export class Atlas extends EventTarget {
  /** @param {HTMLElement} host @param {any} studio */
  constructor(host, studio) {
    super();
    this.host = host;
    this.studio = studio;
    /** @type {Uint32Array | null} */ this.selection = null;
    this.first = new MapSide(this, studio.room, true);
    /** @type {MapSide | null} */ this.second = null;
    this.film = new Film(host);
    host.append(this.first.element);
    this.first.begin();
    this.beside();
    this.gone = false;
    this.unwatch = studio.store.on(["with"], () => this.beside());
  }

  /** The map that panels work on. */
  get view() {
    return this.first.view;
  }
  get mapName() {
    return this.first.between ? null : (this.first.map?.name ?? null); // places of a map that forms are nobody's yet
  }
  get run() {
    return this.studio.room.name;
  }

  /** A small canvas with the picture of a row, filled when it is there. @param {number} row */
  picture(row) {
    return this.first.thumbs.canvas(row);
  }

  /** Choose rows, those of the map they come `from`; both maps and all panels hear of it. A map whose own hand chose knows.
   * @param {Uint32Array | null} rows @param {MapSide | null} from @param {boolean} hand */
  select(rows, from = null, hand = false) {
    const given = rows && rows.length ? rows : null;
    const second = from !== null && from === this.second;
    this.selection = second && given ? this.linked(given, this.theirs) : given;
    if (!hand || second) this.first.view.setSelection(this.selection);
    if (this.second && !(hand && second)) {
      this.second.view.setSelection(second ? given : this.selection && this.linked(this.selection, this.ours));
    }
    this.dispatchEvent(new CustomEvent("selection", { detail: this.selection }));
  }

  /** One picture is looked at: in the address bar, on the map. @param {number | null} row */
  look(row, go = false) {
    this.studio.store.set({ row });
    if (row !== null && go) this.view.goTo(row);
  }

  /** A second run beside the first, if the address bar says so. */
  async beside() {
    const name = this.studio.store.get("with");
    this.second?.destroy();
    this.second?.element.remove();
    this.second = null;
    if (!name || name === this.run) return;
    try {
      const told = await post("open", { run: name });
      if (!told.ready) await this.studio.jobs.done(told.job);
      const room = told.ready ? told.room : await get("room", { run: name });
      this.ours = /** @type {Int32Array} */ ((await getNumbers("link", { run: this.run, other: name })).arrays.rows);
      this.theirs = /** @type {Int32Array} */ ((await getNumbers("link", { run: name, other: this.run })).arrays.rows);
      if (this.gone || this.studio.store.get("with") !== name) return;
      this.second = new MapSide(this, room, false);
      this.host.append(this.second.element);
      this.second.begin();
    } catch (error) {
      this.studio.sorry(error);
    }
  }

  /** The same pictures in the other run. @param {Uint32Array} rows @param {Int32Array | undefined} link */
  linked(rows, link) {
    return Uint32Array.from([...rows].map((row) => link?.[row] ?? -1).filter((row) => row >= 0));
  }

  destroy() {
    this.gone = true;
    this.unwatch();
    this.film.close();
    this.first.destroy();
    this.second?.destroy();
  }
}

/** What stands where there is no map yet. @param {HTMLElement} host @param {string} title @param {...any} inside */
export function empty(host, title, ...inside) {
  fill(host, el("div.empty", null, el("h2", null, title), ...inside));
}
