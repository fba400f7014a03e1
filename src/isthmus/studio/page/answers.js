// An answer to wishes: the verdict first, then every design with what guides and judge say of it, and what needs no search.

import { el, fill, paint, percent } from "./dom.js";

/** Words and a sign, never colour alone. @param {string} who @param {boolean} met */
const verdict = (who, met) => el(met ? "span.good" : "span.bad", null, `${met ? "✓" : "✗"} ${who}`);

export class Answers {
  /** @param {HTMLElement} host @param {any} studio @param {{ keep: (designs: number[]) => Promise<void>, point: (design: number | null) => void }} does */
  constructor(host, studio, does) {
    this.host = host;
    this.studio = studio;
    this.does = does;
    /** @type {Uint8Array} */ this.pixels = new Uint8Array();
    /** @type {Uint8Array | undefined} */ this.frames = undefined;
    this.shape = [1, 1, 1];
    this.size = 1;
  }

  /** @param {import("./api.js").Envelope} envelope */
  show({ header, arrays, shapes }) {
    this.about = header;
    this.chosen = new Set(header.designs.filter((/** @type {any} */ one) => one.success).map((/** @type {any} */ one) => one.design));
    const [count, ...shape] = shapes.pixels;
    this.shape = shape;
    this.pixels = /** @type {Uint8Array} */ (arrays.pixels);
    this.frames = /** @type {Uint8Array} */ (arrays.frames);
    this.size = shape[0] * shape[1] * shape[2];
    this.detail = el("div.detail", { "aria-live": "polite" }, el("p.soft", null, "Point at a design, or press it, to see how it came about."));
    this.tiles = header.designs.map((/** @type {any} */ one) => this.tile(one));
    this.keeping = el("button.main", { onclick: () => this.keep() });
    const verdicts = header.judge
      ? el("div.gap", null, bar("guides", header.guides), bar("judge", header.judge))
      : el("div.gap", null, bar("guides", header.guides));
    fill(
      this.host,
      el("p.headline", null, `${header.verdict[0].toUpperCase()}${header.verdict.slice(1)}.`),
      verdicts,
      header.closest && el("p.bad", { role: "status" }, `${header.closest[0].toUpperCase()}${header.closest.slice(1)}.`),
      ...header.notes.map((/** @type {string} */ note) => el("p.soft", null, note)),
      this.detail,
      el("div.designs", { role: "list", "aria-label": `${count} designs` }, ...this.tiles),
      el("div.row", null, this.keeping, el("button.quiet", { onclick: () => this.choose(header.designs.filter((/** @type {any} */ one) => one.success)) }, "All that are met"), el("button.quiet", { onclick: () => this.choose([]) }, "None")),
      rivals(header),
      el("details", null, el("summary", null, "The same on the command line"), el("code.command", null, header.command)),
    );
    this.counted();
  }

  /** @param {number} design */
  canvas(design) {
    const made = el("canvas", { width: 1, height: 1, "aria-hidden": "true" });
    paint(made, this.pixels.subarray(design * this.size, (design + 1) * this.size), this.shape);
    return made;
  }

  /** @param {any} one */
  tile(one) {
    const judged = "judge" in one;
    const words = `design ${one.design + 1}: guides ${one.guides ? "grant" : "refuse"} it${judged ? `, the judge ${one.judge ? "too" : "does not find it so"}` : ""}`;
    const box = el("input", { type: "checkbox", checked: this.chosen?.has(one.design), "aria-label": `keep ${words}`, onchange: () => this.tick(one.design, box.checked) });
    const look = el("button.look", { "aria-label": `look at ${words}`, onclick: () => this.look(one), onfocus: () => this.look(one) }, this.canvas(one.design));
    const tile = el("div.design", { role: "listitem", onpointerenter: () => this.look(one), data: { design: String(one.design) } }, look, el("label", null, box, el("span", null, one.class ?? `${one.design + 1}`)), judged ? verdict("judge", one.judge) : null, verdict("guides", one.guides));
    return tile;
  }

  /** How one came about, and what it is most like. @param {any} one */
  look(one) {
    if (this.looked === one.design) return;
    this.looked = one.design;
    for (const tile of this.tiles) tile.classList.toggle("on", tile.dataset.design === String(one.design));
    this.does.point(one.design);
    const like = one.near ?? null;
    const go = like === null ? null : el("button.quiet", { onclick: () => this.studio.atlas.look(like, true) }, "Show it on the map");
    const facts = [["steps", one.steps], ["missed", one.missed?.join(", ")], ["class", one.class], ...this.about.wishes.filter((/** @type {any} */ w) => w.kind === "range").map((/** @type {any} */ w) => [w.name, one[w.name]]),
      ["sure", one.certainty === undefined ? null : percent(one.certainty)], ["nearest", one.like], ["off by", one.nearest], ["changed", one.change]];
    fill(
      this.detail,
      el("figure", null, this.big(one.design), el("figcaption", null, `design ${one.design + 1}`)),
      el("figure", null, like === null ? null : this.theirs(like), el("figcaption", null, like === null ? "" : "the nearest picture")),
      el("dl.facts", null, ...facts.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [el("dt", null, name), el("dd", null, typeof value === "number" ? +value.toPrecision(3) : value)])),
      go,
      this.film(one.design),
    );
  }

  /** @param {number} design */
  big(design) {
    const made = this.canvas(design);
    made.className = "picture";
    return made;
  }

  /** @param {number} row */
  theirs(row) {
    const made = this.studio.atlas.picture(row);
    made.className = "picture";
    return made;
  }

  /** The frames of a design that was filmed, at most ten. @param {number} design */
  film(design) {
    let begin = 0;
    for (const [row, count] of this.about.films) {
      if (row !== design) {
        begin += count;
        continue;
      }
      const places = [...new Set(Array.from({ length: Math.min(10, count) }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, Math.min(10, count) - 1))))];
      return el("div.strip", { role: "img", "aria-label": `from start to design in ${count} pictures` }, ...places.map((i) => {
        const made = el("canvas", { width: 1, height: 1 });
        paint(made, this.frames?.subarray((begin + i) * this.size, (begin + i + 1) * this.size) ?? new Uint8Array(), this.shape);
        return made;
      }));
    }
    return null;
  }

  /** @param {number} design @param {boolean} on */
  tick(design, on) {
    if (on) this.chosen?.add(design);
    else this.chosen?.delete(design);
    this.counted();
  }

  /** @param {any[]} designs */
  choose(designs) {
    this.chosen = new Set(designs.map((one) => one.design));
    for (const tile of this.tiles) tile.querySelector("input").checked = this.chosen.has(Number(tile.dataset.design));
    this.counted();
  }

  counted() {
    const count = this.chosen?.size ?? 0;
    fill(this.keeping, count ? `Keep ${count} in the run` : "Tick those to keep");
    this.keeping.disabled = !count;
  }

  async keep() {
    this.keeping.disabled = true;
    await this.does.keep([...(this.chosen ?? [])].sort((a, b) => a - b));
    this.counted();
  }
}

/** @param {string} who @param {{ value: number, low: number, high: number, n: number }} share */
function bar(who, share) {
  const meter = el("div.meter", { role: "img", "aria-label": `${who}: ${percent(share.value)}` }, el("i", { style: { width: `${100 * share.value}%` } }));
  return el("div.share", null, el("span", null, who), meter, el("b", null, percent(share.value)));
}

/** What came without a search, shown to the same guides and judge. @param {any} header */
function rivals({ beside, near }) {
  if (!beside.length) return near ? el("p.soft", null, "The given picture is what these are to be compared with.") : null;
  const rows = beside.map((/** @type {any} */ one) => el("tr", null, el("td", null, one.name), el("td.number", null, `${one.granted} of ${one.tried}`), el("td.number", null, one.right ? percent(one.right.value) : "none to judge")));
  return el("div", null, el("h3", null, "Without a search"), el("table", null, el("thead", null, el("tr", null, el("th", null, "what"), el("th.number", null, "guides grant"), el("th.number", null, "judge agrees"))), el("tbody", null, ...rows)));
}
