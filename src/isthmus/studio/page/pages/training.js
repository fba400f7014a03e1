// How training goes: curves of one run or several, now or while they are trained, and what the model made of pictures.

import { get, post } from "../api.js";
import { lines, phases, terms } from "../curves.js";
import { choice, el, fill } from "../dom.js";
import { time } from "../jobs.js";
import { Looks, heat } from "../looks.js";
import { plot } from "../plot.js";

export const words = "Training";

const BEAT = 20_000; // milliseconds after which a page that follows says so again
const QUIET = 600; // seconds without a line after which a training may have stopped
const INKS = 8;
const MOST = 8;

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  if (!document.head.querySelector('link[href="/page/training.css"]')) document.head.append(el("link", { rel: "stylesheet", href: "/page/training.css" }));
  const page = new Training(host, studio);
  page.begin();
  return () => page.close();
}

class Training {
  /** @param {HTMLElement} host @param {any} studio */
  constructor(host, studio) {
    this.host = host;
    this.studio = studio;
    this.store = studio.store;
    /** @type {Map<string, any>} */ this.told = new Map();
    this.term = "loss";
    this.log = null; // as the numbers ask for, until somebody says
    this.smooth = 0;
    this.picking = el("fieldset.picking");
    this.controls = el("div.row.controls");
    this.figure = el("figure.curves");
    this.key = el("ul.key");
    this.remarks = el("div.remarks");
    this.looked = el("div.looked");
    /** @type {Looks | undefined} */ this.looks = undefined;
    /** @type {string | undefined} */ this.lookedAt = undefined;
    fill(host, el("div.row.spread", null, el("h2", null, "Training")), this.picking, this.controls, this.figure, this.key, this.remarks, this.looked);
    /** @type {Looks | undefined} */ this.looks = undefined;
    /** @type {string | undefined} */ this.lookedAt = undefined;
    this.heard = (/** @type {any} */ event) => this.more(event.detail);
    studio.events.addEventListener("training", this.heard);
    this.sized = () => this.draw();
    addEventListener("resize", this.sized);
    this.beating = setInterval(() => this.follow(), BEAT);
  }

  /** The runs whose curves are shown: those of the address bar, else the run that is open. @returns {string[]} */
  get chosen() {
    const named = String(this.store.get("curves", "")).split(",").filter(Boolean).map(decodeURIComponent);
    const there = named.filter((name) => this.runs.some((/** @type {any} */ run) => run.name === name));
    return there.length ? there : this.runs.some((/** @type {any} */ run) => run.name === this.store.get("run")) ? [this.store.get("run")] : [];
  }

  async begin() {
    this.runs = this.studio.runs;
    try {
      this.runs = (await get("runs")).runs;
    } catch (error) {
      this.studio.sorry(error);
    }
    this.runs = this.runs.filter((/** @type {any} */ run) => !run.problem);
    if (!this.closed) await this.show();
  }

  async show() {
    this.pick();
    for (const name of this.chosen.filter((one) => !this.told.has(one))) {
      try {
        this.told.set(name, await get("training", { run: name }));
      } catch (error) {
        this.studio.sorry(error);
      }
    }
    if (this.closed) return;
    this.follow();
    this.draw();
    this.sentences();
    await this.look();
  }

  pick() {
    const toggle = (/** @type {string} */ name) => () => {
      const next = this.chosen.includes(name) ? this.chosen.filter((one) => one !== name) : [...this.chosen, name].slice(-MOST);
      this.store.set({ curves: next.map(encodeURIComponent).join(",") || null });
      this.show();
    };
    const boxes = this.runs.map((/** @type {any} */ run) => {
      const box = el("input", { type: "checkbox", checked: this.chosen.includes(run.name), onchange: toggle(run.name) });
      return el("label.check", null, box, el("b", null, run.name), el("small.soft", null, run.status === "training" ? "training now" : run.model));
    });
    fill(this.picking, el("legend", null, "Runs"), ...boxes);
  }

  /** Ask to be told what is new of those that are still trained. */
  follow() {
    const going = [...this.told].filter(([name, { status }]) => status === "training" && this.chosen.includes(name));
    if (!going.length) return;
    post("training/follow", {}, { runs: Object.fromEntries(going.map(([name, { lines: had }]) => [name, had.length])) }).catch(() => {});
  }

  /** @param {any} event */
  more({ run, begin, lines: fresh, status, looks, remarks }) {
    const known = this.told.get(run);
    if (!known) return;
    if (begin > known.lines.length) return void get("training", { run }).then((told) => (this.told.set(run, told), this.draw()));
    known.lines = [...known.lines.slice(0, begin), ...fresh];
    Object.assign(known, { status, looks, quiet: 0 }, remarks ? { remarks } : {});
    const listed = this.runs.find((/** @type {any} */ one) => one.name === run);
    if (listed && listed.status !== status) {
      listed.status = status;
      this.pick();
    }
    this.draw();
    this.sentences();
    this.look();
  }

  draw() {
    const shown = this.chosen.map((name) => ({ name, ...this.told.get(name) })).filter((one) => one.lines?.length);
    const all = terms(shown.map((one) => one.lines));
    if (!all.includes(this.term)) this.term = "loss";
    /** @type {any[]} */ const drawn = [];
    /** @type {Map<string, { ink: string, dashed: boolean }>} */ const names = new Map();
    shown.forEach((run, r) => {
      const whose = [...new Set(lines(run.lines, this.term, 0).map((one) => one.who))];
      for (const line of lines(run.lines, this.term, this.smooth)) {
        const dashed = line.who === "validation";
        const ink = `var(--ink-${(shown.length > 1 ? r : whose.indexOf(line.who)) % INKS})`;
        const name = shown.length > 1 ? `${run.name}: ${line.who}` : line.who;
        names.set(name, { ink, dashed });
        drawn.push({ name, colour: ink, dashed, points: line.points });
      }
    });
    const values = drawn.flatMap((line) => line.points.map((/** @type {any} */ p) => p.y));
    const could = values.length > 0 && Math.min(...values) > 0;
    const log = could && (this.log ?? Math.max(...values) / Math.min(...values) > 30);
    this.choose(all, could, log);
    const width = Math.max(320, Math.min(1100, this.figure.clientWidth || 800));
    const marks = shown.length === 1 && phases(shown[0].lines).length > 1 ? phases(shown[0].lines) : [];
    const label = `${this.term} against epochs of ${shown.map((one) => one.name).join(", ")}`;
    if (drawn.length) fill(this.figure, plot(drawn, { width, height: Math.round(Math.min(380, Math.max(220, 0.42 * width))), x: "epochs", y: `${this.term}${log ? " (log)" : ""}`, logY: log, label, marks }));
    else fill(this.figure, el("p.soft", null, this.chosen.length ? "Nothing was written yet: the first line comes after the first epoch." : "Choose a run above."));
    fill(this.key, ...[...names].map(([name, { ink, dashed }]) => el("li", null, el(dashed ? "i.dashed" : "i", { style: { color: ink } }), name)));
  }

  /** @param {string[]} all @param {boolean} could @param {boolean} log */
  choose(all, could, log) {
    if (this.controls.contains(document.activeElement) && this.controls.dataset.terms === all.join()) return; // a hand is on it
    this.controls.dataset.terms = all.join();
    const term = choice(all.map((value) => ({ value })), this.term, (value) => ((this.term = value), this.draw()), { "aria-label": "What to draw" });
    const box = el("input", { type: "checkbox", checked: log, disabled: !could, onchange: () => ((this.log = box.checked), this.draw()) });
    const smooth = el("input", { type: "range", min: "0", max: "0.95", step: "0.05", value: String(this.smooth), "aria-label": "Smoothing", oninput: () => ((this.smooth = Number(smooth.value)), this.draw()) });
    fill(this.controls, term, el("label.check", null, box, "log scale"), el("label.smooth", null, el("span", null, "smoothing"), smooth));
  }

  /** What training noticed, and what it went back on. */
  sentences() {
    const found = [];
    const several = this.chosen.length > 1;
    for (const name of this.chosen) {
      const told = this.told.get(name);
      if (!told) continue;
      const who = several ? `${name}: ` : "";
      const seconds = told.lines.at(-1)?.seconds ?? 0;
      const state = told.status === "training" ? "training now" : "trained";
      found.push(el("p.soft", null, `${who}${told.model}, ${state}, ${told.lines.length} epochs${seconds ? ` in ${time(seconds)}` : ""}.`));
      if (told.status === "training" && told.quiet > QUIET) found.push(el("p.note", null, `${who}nothing new for ${time(told.quiet)}. It may have been stopped; isthmus fit --resume goes on with it.`));
      for (const one of told.remarks ?? []) found.push(el("p.note", null, `${who}${one}`));
      told.lines.forEach((/** @type {any} */ line) => {
        for (const one of line.setbacks ?? []) found.push(el("p.note.bad", null, `${who}epoch ${line.epoch} of ${line.phase}: ${one}`));
      });
    }
    fill(this.remarks, ...found);
  }

  /** The looks of the first run that has any. */
  async look() {
    const name = this.chosen.find((one) => this.told.get(one)?.looks?.length);
    if (!name) {
      this.looks?.stop();
      this.looks = undefined;
      this.lookedAt = undefined;
      return fill(this.looked, this.chosen.length ? el("p.soft", null, "This model was not looked at while it was trained.") : null);
    }
    const told = this.told.get(name);
    const stamp = `${name} ${told.looks.at(-1)} ${told.looks.length}`;
    if (stamp === this.lookedAt) return;
    this.lookedAt = stamp;
    if (this.looks?.run === name) this.looks.renew(told.lines, told.looks);
    else {
      this.looks?.stop();
      this.looks = new Looks(name, told.lines, told.looks);
      fill(this.looked, this.looks.element);
    }
    const strip = await heat(name, told.lines).catch(() => null);
    if (this.closed || !this.looks) return;
    fill(this.looked, this.chosen.length > 1 ? el("h2", null, name) : null, this.looks.element, strip);
  }

  close() {
    this.closed = true;
    this.looks?.stop();
    clearInterval(this.beating);
    removeEventListener("resize", this.sized);
    this.studio.events.removeEventListener("training", this.heard);
  }
}
