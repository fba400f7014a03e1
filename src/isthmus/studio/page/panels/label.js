// The desk: the most useful picture next, a key a class, every label on the disk before the next picture is shown.

import { address, get, post } from "../api.js";
import { el, fill, percent, whole } from "../dom.js";
import { plot } from "../plot.js";

export const words = "Label";

const KEYS = [..."1234567890qwertyuiopasdfghjklzxcvbnm"];

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  const desk = new Desk(host, studio);
  return () => desk.close();
}

class Desk {
  /** @param {HTMLElement} host @param {any} studio */
  constructor(host, studio) {
    this.host = host;
    this.studio = studio;
    this.run = studio.room.name;
    /** @type {any} */ this.state = null;
    this.note = "";
    /** @type {{ row: number, reason: string } | null} */ this.asked = null; // what is looked at stays until it is answered
    this.giving = false;
    this.closed = false;
    /** @type {Set<number>} */ this.done = new Set(); // labelled here; suggestions may still name them
    this.onDesk = (/** @type {any} */ e) => e.detail.run === this.run && this.told(e.detail);
    this.onNext = (/** @type {any} */ e) => e.detail.run === this.run && this.nexts(e.detail.next);
    this.onLabelled = (/** @type {any} */ e) => e.detail.run === this.run && this.elsewhere(e.detail);
    this.onKey = (/** @type {KeyboardEvent} */ e) => this.key(e);
    this.onSelection = () => this.state && this.show();
    studio.events.addEventListener("desk", this.onDesk);
    studio.events.addEventListener("next", this.onNext);
    studio.events.addEventListener("labelled", this.onLabelled);
    studio.atlas.addEventListener("selection", this.onSelection);
    addEventListener("keydown", this.onKey);
    this.begin();
  }

  /** Where nothing is labelled, or all is, a desk begins as the person says; else with the labels there are. */
  async begin(blank = this.studio.store.get("blank") === "yes") {
    this.done.clear();
    this.asked = null;
    try {
      fill(this.host, el("h2", null, "Opening the desk"), el("p.soft", null, "Every picture is looked at once; then labels are learnt from at once."));
      const told = await post("desk", { run: this.run, blank });
      if (!told.ready) await this.studio.jobs.done(told.job, this.host);
      if (this.closed) return;
      this.state = told.ready ? told.desk : await get("desk", { run: this.run });
      this.show();
    } catch (error) {
      if (this.closed) return;
      fill(this.host, el("h2", null, "Labels cannot be given"), el("p", { role: "alert" }, /** @type {Error} */ (error).message), el("button", { onclick: () => this.begin() }, "Try again"));
    }
  }

  /** @param {any} told */
  told(told) {
    this.state = { ...this.state, ...told };
    this.note = told.note ?? "";
    this.show();
  }

  /** Somebody, here or in another browser, labelled these or took that back. @param {any} told */
  elsewhere({ rows, back }) {
    for (const row of rows) back ? this.done.delete(row) : this.done.add(row);
    if (!this.giving) this.show();
  }

  /** @param {any[]} next */
  nexts(next) {
    if (!this.state) return;
    this.state.next = next;
    this.show();
  }

  /** The rows that a key labels now: those that are chosen, else the most useful one, which is not exchanged while
   * somebody looks at it, whatever is learnt meanwhile. */
  current() {
    const chosen = this.studio.atlas.selection;
    if (chosen) return chosen;
    if (!this.asked || this.done.has(this.asked.row)) {
      this.asked = this.state?.next.find((/** @type {any} */ { row }) => !this.done.has(row)) ?? null;
    }
    return this.asked ? Uint32Array.of(this.asked.row) : null;
  }

  show() {
    const { state } = this;
    if (!state || this.closed) return;
    const rows = this.current();
    const busy = /** @type {any} */ (document.activeElement);
    const at = this.host.contains(busy) ? busy.dataset.name : null; // where a hand is, it stays
    const typed = at && busy.value;
    const why = rows?.length === 1 && this.asked && rows[0] === this.asked.row ? this.asked.reason : null;
    fill(this.host, this.source(), this.picture(rows, why), this.classes(rows), this.progress());
    const there = /** @type {any} */ (at && [...this.host.querySelectorAll("[data-name]")].find((/** @type {any} */ one) => one.dataset.name === at));
    if (!there) return;
    if (there.tagName === "INPUT") there.value = typed;
    there.focus({ preventScroll: true });
  }

  source() {
    const { state } = this;
    if (!this.studio.room.labelled && !state.blank) return null;
    const turn = (/** @type {any} */ event) => {
      this.studio.store.set({ blank: event.target.checked ? "yes" : null });
      this.begin(event.target.checked);
    };
    return el("label.check", { title: "They are kept to judge by; what you label is written in any case" }, el("input", { type: "checkbox", checked: state.blank, onchange: turn }), "set aside the labels that came with the pictures");
  }

  /** @param {Uint32Array | null} rows @param {string | null} why */
  picture(rows, why) {
    if (!this.studio.room.alone) return el("p.bad", { role: "alert" }, "Labels cannot be given here: another studio has this run open, or its folder cannot be written.");
    if (!rows) return el("section", null, el("h2", null, this.state.next.length || !this.state.labels ? "Looking for what to label next …" : "Every picture has a label"));
    if (rows.length > 1) {
      return el("section", null, el("h2", null, `${whole(rows.length)} chosen pictures`), el("div.tiles", null, ...[...rows.subarray(0, 24)].map((row) => el("span", null, this.studio.atlas.picture(row)))), el("small", null, "A class below labels them all."));
    }
    const src = address("picture", { run: this.run, row: rows[0] });
    return el("section", null, el("img.picture.big", { src, alt: "The picture to label", data: { row: rows[0] } }), el("small", null, why ?? "chosen on the map"));
  }

  /** The key of each class: its own name where that is one, else the next that is free. @returns {(string | undefined)[]} */
  keys() {
    const { classes } = this.state;
    const own = new Set(classes.filter((/** @type {string} */ name) => KEYS.includes(name)));
    const free = KEYS.filter((key) => !own.has(key));
    return classes.map((/** @type {string} */ name) => (own.has(name) ? name : free.shift()));
  }

  /** @param {Uint32Array | null} rows */
  classes(rows) {
    const { classes, counts } = this.state;
    const keys = this.keys();
    const field = el("input.grow", { placeholder: "a new class", "aria-label": "A new class", maxlength: 200, data: { name: "new" }, onkeydown: (/** @type {KeyboardEvent} */ e) => e.key === "Enter" && field.value.trim() && this.give(field.value.trim()) });
    const buttons = classes.map((/** @type {string} */ name, /** @type {number} */ i) =>
      el("button", { disabled: !rows, onclick: () => this.give(name), data: { class: name, name: `class ${name}` }, style: { textAlign: "left", display: "flex", gap: "8px", alignItems: "center" } },
        keys[i] ? el("kbd", null, keys[i]) : null, el("i", { style: { width: "10px", height: "10px", borderRadius: "50%", background: this.studio.atlas.view.classColour(i), flex: "none" } }),
        el("span.grow", { title: name, style: { overflow: "hidden", textOverflow: "ellipsis", minWidth: "0", whiteSpace: "nowrap" } }, name), el("small", null, whole(counts[i] ?? 0))));
    const take = el("button", { onclick: () => this.give(null), disabled: !rows, data: { name: "none" } }, el("kbd", null, "⌫"), " no label");
    const skip = el("button", { onclick: () => this.skip(), disabled: !rows, data: { name: "later" } }, el("kbd", null, "space"), " later");
    const undo = el("button", { onclick: () => this.undo(), disabled: !this.state.given, data: { name: "undo" } }, el("kbd", null, "ctrl z"), " undo");
    return el("section", null, el("div", { style: { display: "grid", gridTemplateColumns: "repeat(2, minmax(0, 1fr))", gap: "6px" } }, ...buttons), el("div.row", null, field, el("button", { onclick: () => field.value.trim() && this.give(field.value.trim()) }, "Add")), el("div.row", null, take, skip, undo));
  }

  progress() {
    const { state } = this;
    const points = state.curve.map((/** @type {any} */ p) => ({ x: p.labels, y: p.value, low: p.low, high: p.high }));
    const last = state.curve.at(-1);
    const now = last ? `${percent(last.value)} right with ${whole(last.labels)} labels (95 %: ${percent(last.low)} to ${percent(last.high)})` : this.note || "Label two classes, and learning begins.";
    return el("section", null, el("h3", null, `Right, by ${state.judged}`), points.length > 1 ? plot([{ name: "right", colour: "var(--accent)", points }], { x: "labels", percent: true, label: now }) : null,
      el("p", { "aria-live": "polite" }, now),
      el("div.row", null, el("a", { href: address("labels.csv", { run: this.run }), download: "labels.csv" }, "labels.csv"), el("button.quiet", { onclick: () => this.studio.store.set({ colour: "prediction" }) }, "colour by prediction"), el("button.quiet", { onclick: () => this.studio.store.set({ colour: "certainty" }) }, "by certainty")));
  }

  /** @param {string | null} name */
  async give(name) {
    const rows = this.current();
    if (!rows || this.giving) return; // the picture that is shown next has not been looked at yet
    this.giving = true;
    for (const row of rows) this.done.add(row);
    try {
      this.state = { ...this.state, ...(await post("label", { run: this.run }, { rows: [...rows], label: name })) };
      if (this.studio.atlas.selection) this.studio.atlas.select(null);
      else this.show();
    } catch (error) {
      for (const row of rows) this.done.delete(row);
      this.studio.sorry(error);
    } finally {
      this.giving = false;
    }
  }

  skip() {
    const rows = this.current();
    if (!rows) return;
    for (const row of rows) this.done.add(row);
    if (this.studio.atlas.selection) this.studio.atlas.select(null);
    this.show();
  }

  async undo() {
    try {
      const told = await post("label/undo", { run: this.run });
      for (const row of told.rows) this.done.delete(row);
      this.state = { ...this.state, ...told };
      if (told.rows.length) this.studio.atlas.select(Uint32Array.from(told.rows));
      this.show();
    } catch (error) {
      this.studio.sorry(error);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const at = /** @type {HTMLElement} */ (event.target);
    if (at.closest("input, select, textarea") || event.altKey || event.repeat || !this.state) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo();
    else if (event.ctrlKey || event.metaKey) return;
    else if (event.key === " " && !at.closest("button, [role=application]")) this.skip();
    else if (event.key === "Backspace") this.give(null);
    else {
      const name = this.state.classes[this.keys().indexOf(event.key.toLowerCase())];
      if (event.key.length !== 1 || name === undefined || at.closest("[role=application]")?.matches(":focus-visible") && "np".includes(event.key)) return;
      this.give(name);
    }
    event.preventDefault();
  }

  close() {
    this.closed = true;
    this.studio.events.removeEventListener("desk", this.onDesk);
    this.studio.events.removeEventListener("next", this.onNext);
    this.studio.events.removeEventListener("labelled", this.onLabelled);
    this.studio.atlas.removeEventListener("selection", this.onSelection);
    removeEventListener("keydown", this.onKey);
  }
}
