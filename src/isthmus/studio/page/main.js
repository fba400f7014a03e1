// The page: which run, which view, which panel; everything else is a module that is mounted where it is shown.
//
// A panel or page is a module with `words` (its name on the tab) and `mount(host, studio)`, which may give a function
// that is called when it is taken away. `studio` is the object below: the whole of what a panel may lean on.

import * as api from "./api.js";
import { Atlas } from "./atlas.js";
import { el, fill } from "./dom.js";
import { Jobs } from "./jobs.js";
import * as design from "./panels/design.js";
import * as explore from "./panels/explore.js";
import * as label from "./panels/label.js";
import * as select from "./panels/select.js";
import * as report from "./pages/report.js";
import * as runs from "./pages/runs.js";
import * as training from "./pages/training.js";
import { Store } from "./store.js";
import { remembered, top } from "./top.js";

const PANELS = /** @type {Record<string, any>} */ ({ explore, select, label, design });
const PAGES = /** @type {Record<string, any>} */ ({ training, report, runs });

/**
 * @typedef {object} Studio
 * @property {Store} store        the view, as the address bar has it: run, view, panel, map, colour, row, with, ...
 * @property {api.Events} events  what the server tells: "job", "desk", "next", "training", "gone"
 * @property {Jobs} jobs          `await studio.jobs.done(job)` shows progress, and gives its result or throws a Refusal
 * @property {any} room           what `/api/room` told of the run that is open; null before
 * @property {Atlas} atlas        the map, its selection and overlays; `atlas.picture(row)` is a canvas with a thumbnail
 * @property {any[]} runs         all runs of the list
 * @property {(text: string, how?: { bad?: boolean }) => void} say   a note in the corner
 * @property {(error: any) => void} sorry  the same for what was thrown
 */

class Page {
  constructor() {
    this.store = new Store();
    this.events = new api.Events();
    this.jobs = new Jobs(this.events, /** @type {HTMLElement} */ (document.getElementById("toasts")));
    this.stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
    /** @type {any} */ this.room = null;
    /** @type {any} */ this.atlas = null;
    /** @type {any[]} */ this.runs = [];
    this.turn = 0; // which showing is the newest
    this.away = false;
    /** @type {(() => void)[]} */ this.undone = [];
    /** @type {(() => void) | void} */ this.panelAway = undefined;
    this.say = (/** @type {string} */ text, how = {}) => this.jobs.note(text, how);
    this.sorry = (/** @type {any} */ error) => this.say(error instanceof Error ? error.message : String(error), { bad: true });
  }

  async begin() {
    theme(this.store.get("theme", remembered()));
    this.events.addEventListener("gone", (event) => this.gone(/** @type {CustomEvent} */ (event).detail));
    this.store.on(["run", "view"], () => this.show());
    this.store.on(["panel"], () => this.panel());
    await this.list();
    await this.show();
  }

  /** The list of runs; where there is one only, it is the one. */
  async list() {
    try {
      const told = await api.get("runs");
      this.runs = told.runs;
      this.jobs.meet(told.jobs);
    } catch (error) {
      this.sorry(error);
    }
    const usable = this.runs.filter((run) => run.usable);
    if (!this.store.get("run") && usable.length === 1) this.store.set({ run: usable[0].name });
  }

  /** Everything anew for the run and the view of the address bar. */
  async show() {
    this.leave();
    const turn = ++this.turn;
    const [run, view] = [this.store.get("run"), this.store.get("view", "map")];
    top(/** @type {HTMLElement} */ (document.getElementById("top")), /** @type {any} */ (this));
    if (!run || view === "runs") return this.mount(PAGES.runs);
    document.title = `${run} · Isthmus`;
    if (view in PAGES) return this.mount(PAGES[view]);
    if (this.room?.name !== run && !(await this.enter(run, turn))) return;
    this.table();
  }

  /** @param {any} page */
  mount(page) {
    const host = el("div.page");
    fill(this.stage, host);
    this.after(page.mount(host, this));
  }

  /** Open a run: a job with a bar, where it is not open already. @param {string} run @param {number} turn */
  async enter(run, turn) {
    const host = el("div.empty", null, el("h2", null, `Opening ${run}`));
    fill(this.stage, host);
    try {
      const told = await api.post("open", { run });
      if (!told.ready) await this.jobs.done(told.job, host);
      const room = told.ready ? told.room : await api.get("room", { run });
      if (turn !== this.turn) return false; // somebody went on to another run meanwhile
      this.room = room;
      for (const note of room.notes) this.say(note);
      return true;
    } catch (error) {
      if (turn !== this.turn) return false;
      const again = el("button", { onclick: () => this.show() }, "Try again");
      const other = el("button", { onclick: () => this.store.set({ view: "runs" }) }, "Other runs");
      fill(host, el("h2", null, `${run} cannot be opened`), el("p", { role: "alert" }, /** @type {Error} */ (error).message), el("div.row", null, again, other));
      return false;
    }
  }

  /** The map with its panels beside it. */
  table() {
    const maps = el("div.maps");
    const tabs = el("div.tabs", { role: "tablist", "aria-label": "Panels" });
    const host = el("div.panel", { role: "tabpanel", tabindex: "-1" });
    fill(this.stage, el("div.table", null, maps, el("aside.side", null, tabs, host)));
    this.atlas = new Atlas(maps, /** @type {any} */ (this));
    this.after(() => this.atlas.destroy());
    this.tabs = tabs;
    this.panelHost = host;
    this.panel();
  }

  panel() {
    if (!this.panelHost?.isConnected) return;
    const name = PANELS[this.store.get("panel", "explore")]?.words ? this.store.get("panel", "explore") : "explore";
    const press = (/** @type {string} */ one) => () => this.store.set({ panel: one });
    fill(
      /** @type {HTMLElement} */ (this.tabs),
      ...Object.entries(PANELS).filter(([, { words }]) => words).map(([one, { words }]) =>
        el("button", { role: "tab", "aria-selected": String(one === name), onclick: press(one), data: { panel: one } }, words),
      ),
    );
    this.panelAway?.();
    fill(this.panelHost);
    this.panelAway = PANELS[name].mount(this.panelHost, this);
  }

  /** @param {any} undo */
  after(undo) {
    if (typeof undo === "function") this.undone.push(undo);
  }

  leave() {
    this.panelAway?.();
    this.panelAway = undefined;
    this.panelHost = undefined;
    for (const undo of this.undone.splice(0)) undo();
  }

  /** @param {boolean} away */
  gone(away) {
    document.querySelector(".banner")?.remove();
    if (away) this.stage.append(el("div.banner", { role: "alert" }, "The studio does not answer. Labels that were given are safe; trying again …"));
    if (!away && this.away) {
      this.room = null; // a new server has no rooms open, and knows nothing of the old one's jobs
      this.list().then(() => this.show());
    }
    this.away = away;
  }
}

/** @param {string | null} wanted */
export function theme(wanted) {
  if (wanted === "light" || wanted === "dark") document.documentElement.dataset.theme = wanted;
}

const page = new Page();
/** @type {any} */ (window).studio = page;
page.begin();
