// Ask for pictures: wishes as boxes, sliders and text; designs looked for while one watches; the good ones kept.

import { get, getNumbers, post } from "../api.js";
import { Answers } from "../answers.js";
import { Between } from "../between.js";
import { choice, el, fill, whole } from "../dom.js";
import { Paths } from "../paths.js";
import { ofClasses, told, written } from "../wishes.js";

export const words = "Design";

const PAUSE = 300; // milliseconds after a key before a text is read
const PRICES = { density: "codes as likely as those of pictures", trust: "stay within so many deviations of the start", apart: "designs that differ from each other" };

/** What was asked for in this run, for whoever comes back to the panel. @type {Map<string, any>} */
const before = new Map();

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  style("/page/design.css");
  const panel = new Design(host, studio);
  panel.begin();
  return () => panel.close();
}

/** A style sheet of this panel's own, once. @param {string} href */
export function style(href) {
  if (!document.head.querySelector(`link[href="${href}"]`)) document.head.append(el("link", { rel: "stylesheet", href }));
}

class Design {
  /** @param {HTMLElement} host @param {any} studio */
  constructor(host, studio) {
    this.host = host;
    this.studio = studio;
    this.run = studio.room.name;
    this.state = before.get(this.run) ?? { text: "", n: 16, seed: 0, near: false, prices: { density: 0, trust: 0, apart: 0 }, id: null, shares: {}, between: false };
    before.set(this.run, this.state);
    /** @type {string[]} */ this.chosen = [];
    this.classWeight = 1;
    /** @type {Map<string, { low: number | null, high: number | null, weight: number }>} */ this.ranges = new Map();
    this.paths = new Paths(studio);
    this.reading = 0;
    this.turn = 0;
    this.changed = (/** @type {any} */ event) => event.detail.has("row") && this.start();
    studio.store.addEventListener("change", this.changed);
    this.mapped = () => this.state.id && this.paths.show(this.run, this.state.id, false).catch(() => this.paths.clear());
    studio.atlas.addEventListener("map", this.mapped);
  }

  async begin() {
    fill(this.host, el("section", null, el("h2", null, "Ask for pictures"), el("p.soft", null, "Looking at what can be wished of these pictures …")));
    try {
      const answer = await post("design/open", { run: this.run });
      if (!answer.ready) await this.studio.jobs.done(answer.job, this.host);
      this.known = answer.ready ? answer.design : await get("design", { run: this.run });
      if (this.closed) return;
      this.form();
    } catch (error) {
      if (this.closed) return;
      fill(this.host, el("p.bad", { role: "alert" }, /** @type {Error} */ (error).message), el("button", { onclick: () => this.begin() }, "Try again"));
    }
  }

  form() {
    this.classes = el("section");
    this.attributes = el("section");
    this.refused = el("p.bad", { role: "alert", hidden: true, id: "design-refused" });
    this.noted = el("div");
    this.text = el("textarea", { rows: "2", spellcheck: false, "aria-label": "Wishes as text", "aria-describedby": "design-refused", placeholder: this.example(), oninput: () => this.typed() });
    this.from = el("section");
    this.go = el("button.main", { onclick: () => this.order() }, "Look for designs");
    this.work = el("div");
    this.answered = el("section.answer");
    this.answers = new Answers(this.answered, this.studio, { keep: (designs) => this.keep(designs), point: (design) => this.paths.point(design) });
    const count = el("input.count", { type: "number", min: "1", max: "200", value: String(this.state.n), "aria-label": "How many designs", onchange: () => (this.state.n = bounded(count, 1, 200)) });
    fill(this.host,
      el("section", null, el("h2", null, "Ask for pictures"), this.classes, this.attributes, el("h3", null, "The same as text"), this.text, this.refused, this.noted),
      this.from,
      el("section", null, el("div.row", null, el("label.row", null, count, "designs"), el("span.grow"), this.go), this.more(), this.work),
      this.answered);
    this.text.value = this.state.text;
    this.start();
    this.boxes();
    if (this.state.text) this.read();
    else this.valid();
    if (this.state.id) this.fetch(this.state.id, false).catch(() => (this.state.id = null));
  }

  example() {
    const { classes, attributes } = this.known;
    return [classes.length ? `class=${classes[0].name}` : "", attributes.length ? `${attributes[0].name}>${told((attributes[0].from + attributes[0].to) / 2)}` : ""].filter(Boolean).join(", ");
  }

  // -- the form ------------------------------------------------------------------------------------------------------

  boxes() {
    const { classes, attributes } = this.known;
    const press = (/** @type {string} */ name) => () => {
      this.chosen = this.chosen.includes(name) ? this.chosen.filter((one) => one !== name) : [...this.chosen, name];
      this.boxes();
      this.write();
    };
    const chips = classes.map((/** @type {any} */ one) => el("button.chip", { "aria-pressed": String(this.chosen.includes(one.name)), title: `${whole(one.count)} labelled`, onclick: press(one.name) }, one.name));
    fill(this.classes, classes.length ? el("h3", null, "Class") : el("p.soft", null, "No picture has a label, so no class can be wished. Label some first."), chips.length ? el("div.chips", { role: "group", "aria-label": "Classes" }, ...chips) : null, this.together());
    const free = attributes.filter((/** @type {any} */ one) => !this.ranges.has(one.name)).map((/** @type {any} */ one) => ({ value: one.name, words: `${one.name}: ${one.words}` }));
    const add = free.length ? choice([{ value: "", words: "add an attribute …" }, ...free], "", (name) => this.add(name), { "aria-label": "Add an attribute" }) : null;
    fill(this.attributes, ...[...this.ranges].map(([name, range]) => this.range(name, range)), add);
  }

  /** Several classes: one of them, or something between. */
  together() {
    if (this.chosen.length < 2) return null;
    const kind = (/** @type {boolean} */ between, /** @type {string} */ text) => el("button", { "aria-pressed": String(this.state.between === between), onclick: () => ((this.state.between = between), this.boxes(), this.write()) }, text);
    const sliders = this.state.between
      ? this.chosen.map((name) => {
          const output = el("output", null, `${Math.round(100 * this.share(name))} %`);
          const slide = el("input", { type: "range", min: "1", max: "100", value: String(Math.round(100 * this.share(name))), "aria-label": `share of ${name}` });
          slide.addEventListener("input", () => ((this.state.shares[name] = Number(slide.value) / 100), fill(output, `${slide.value}`), this.write()));
          return el("label.slider", null, el("span", null, name), slide, output);
        })
      : [];
    return el("div", null, el("div.row", { role: "group", "aria-label": "Several classes" }, kind(false, "either"), kind(true, "something between")), ...sliders);
  }

  /** @param {string} name */
  share(name) {
    return this.state.shares[name] ?? 1 / this.chosen.length;
  }

  /** @param {string} name */
  add(name) {
    const about = this.known.attributes.find((/** @type {any} */ one) => one.name === name);
    if (!about) return;
    this.ranges.set(name, { low: about.from + 0.6 * (about.to - about.from), high: null, weight: 1 });
    this.boxes();
    this.write();
  }

  /** @param {string} name @param {{ low: number | null, high: number | null, weight: number }} range */
  range(name, range) {
    const about = this.known.attributes.find((/** @type {any} */ one) => one.name === name);
    const slider = new Between(about, range, (found) => (Object.assign(range, found), this.write()));
    const weight = el("input.weight", { type: "number", min: "0.1", step: "0.5", value: told(range.weight), "aria-label": `weight of ${name}`, title: "How much this counts beside the others", onchange: () => ((range.weight = Math.max(0.1, Number(weight.value) || 1)), this.write()) });
    const away = el("button.quiet", { "aria-label": `Leave ${name} out`, onclick: () => (this.ranges.delete(name), this.boxes(), this.write()) }, "×");
    return el("div.attribute", null, el("div.row.spread", null, el("b", null, name), el("small.grow", null, about.words), el("label.row", { title: "How much this counts beside the others" }, el("small", null, "counts"), weight), away), slider.element);
  }

  /** From boxes to text. */
  write() {
    const shares = Object.fromEntries(this.chosen.map((name) => [name, this.share(name)]));
    const wishes = [...ofClasses(this.chosen, this.state.between, shares, this.classWeight), ...[...this.ranges].map(([name, range]) => /** @type {any} */ ({ kind: "range", name, ...range }))];
    this.text.value = this.state.text = written(wishes);
    this.check(false);
  }

  typed() {
    this.state.text = this.text.value;
    clearTimeout(this.reading);
    this.reading = setTimeout(() => this.read(), PAUSE);
  }

  /** From text to boxes, where it can be read. */
  read() {
    return this.check(true);
  }

  /** @param {boolean} fills whether the boxes are set by what was read */
  async check(fills) {
    clearTimeout(this.reading);
    const turn = ++this.turn;
    if (!this.text.value.trim()) {
      if (fills) {
        [this.chosen, this.ranges] = [[], new Map()];
        this.boxes();
      }
      return this.valid();
    }
    try {
      const read = await post("design/read", { run: this.run }, { want: this.text.value });
      if (turn !== this.turn || this.closed) return;
      if (read.refused) return this.invalid([read.refused.what, read.refused.remedy].filter(Boolean).join(". "));
      if (fills) this.parts(read.wishes);
      this.valid(read.notes);
    } catch (error) {
      if (turn === this.turn && !this.closed) this.invalid(/** @type {Error} */ (error).message);
    }
  }

  /** @param {any[]} wishes */
  parts(wishes) {
    [this.chosen, this.ranges] = [[], new Map()];
    for (const wish of wishes) {
      if (wish.kind === "range") this.ranges.set(wish.name, { low: wish.low, high: wish.high, weight: wish.weight });
      else {
        this.classWeight = wish.weight;
        this.state.between = wish.kind === "mixture";
        this.chosen = wish.kind === "mixture" ? wish.shares.map((/** @type {any} */ [name]) => name) : wish.classes;
        if (wish.kind === "mixture") this.state.shares = Object.fromEntries(wish.shares);
      }
    }
    this.boxes();
  }

  /** @param {string[]} notes */
  valid(notes = []) {
    this.refused.hidden = true;
    this.text.removeAttribute("aria-invalid");
    fill(this.noted, ...notes.map((note) => el("p.soft", null, note)));
    this.go.disabled = this.busy || !this.text.value.trim();
  }

  /** @param {string} sentence */
  invalid(sentence) {
    fill(this.refused, sentence);
    fill(this.noted);
    this.refused.hidden = false;
    this.text.setAttribute("aria-invalid", "true");
    this.go.disabled = true;
  }

  /** The picture to stay near: the one that is looked at. */
  start() {
    if (!this.from) return;
    const row = this.studio.store.get("row");
    if (row === null) return fill(this.from, el("small.soft", null, "Press a picture on the map to change it as little as can be."));
    const box = el("input", { type: "checkbox", checked: this.state.near, onchange: () => (this.state.near = box.checked) });
    const picture = this.studio.atlas.picture(row);
    fill(this.from, el("label.check.near", null, box, picture, el("span", null, "change as little of this picture as can be")));
  }

  more() {
    const rows = Object.entries(PRICES).map(([name, text]) => {
      const box = el("input.weight", { type: "number", min: "0", step: "0.5", value: String(this.state.prices[name]), "aria-label": name, onchange: () => (this.state.prices[name] = bounded(box, 0, 1000)) });
      return el("label.price", null, el("span", null, el("b", null, name), " ", el("small", null, text)), box);
    });
    const seed = el("input.weight", { type: "number", min: "0", step: "1", value: String(this.state.seed), "aria-label": "seed", onchange: () => (this.state.seed = Math.floor(bounded(seed, 0, 2 ** 31 - 1))) });
    return el("details", null, el("summary", null, "What else they should mind"), el("p.soft", null, "0 is not at all, and was measured to be best in most cases."), ...rows, el("label.price", null, el("span", null, el("b", null, "seed"), " ", el("small", null, "another number, other designs")), seed));
  }

  // -- looking for designs -------------------------------------------------------------------------------------------

  async order() {
    const row = this.studio.store.get("row");
    const asked = { want: this.text.value, n: this.state.n, seed: this.state.seed, ...this.state.prices, near: this.state.near && row !== null ? row : null };
    this.busy = true;
    this.go.disabled = true;
    try {
      const { job } = await post("design", { run: this.run }, asked);
      const { id } = await this.studio.jobs.done(job, this.work);
      this.state.id = id;
      if (!this.closed) await this.fetch(id, true);
    } catch (error) {
      const refusal = /** @type {any} */ (error);
      if (refusal.status === 400 && !this.closed) this.invalid(refusal.message);
      else this.studio.sorry(error);
    } finally {
      this.busy = false;
      if (!this.closed) this.go.disabled = this.text.getAttribute("aria-invalid") === "true";
    }
  }

  /** @param {string} id */
  async fetch(id, moving = true) {
    const envelope = await getNumbers("design/answer", { run: this.run, id });
    if (this.closed) return;
    this.answers?.show(envelope);
    await this.paths.show(this.run, id, moving).catch((error) => this.studio.sorry(error));
  }

  /** @param {number[]} designs */
  async keep(designs) {
    try {
      const kept = await post("design/keep", { run: this.run, id: this.state.id }, { designs });
      this.studio.say(`${kept.count} design${kept.count === 1 ? "" : "s"} kept in ${kept.folder}, with a sheet and a table.`);
    } catch (error) {
      this.studio.sorry(error);
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.reading);
    this.paths.clear();
    this.studio.store.removeEventListener("change", this.changed);
    this.studio.atlas.removeEventListener("map", this.mapped);
  }
}

/** What a box holds, brought within its bounds. @param {any} box @param {number} low @param {number} high */
function bounded(box, low, high) {
  const value = Math.min(high, Math.max(low, Number(box.value) || 0));
  box.value = String(value);
  return value;
}
