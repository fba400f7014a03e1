// The card beside the pointer: the picture, what the model makes of it, and what is known of it.

import { get, pictured } from "./api.js";
import { el, fill, percent } from "./dom.js";

const REST = 90; // milliseconds on one picture before it is asked about

export class Hover {
  /** @param {import("./mapside.js").MapSide} side */
  constructor(side) {
    this.side = side;
    this.card = el("div.hover", { hidden: true });
    side.host.append(this.card);
    this.timer = 0;
    this.row = null;
    side.view.on("hover", (/** @type {any} */ e) => this.at(e));
    side.view.on("press", () => this.hide());
  }

  /** @param {any} event */
  at({ row, screen, pointer }) {
    if (row === null || !screen || pointer === "touch") return this.hide();
    if (row !== this.row) {
      this.row = row;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.show(row), REST);
      if (!this.card.hidden) this.card.hidden = true;
    }
    this.move(screen);
  }

  /** @param {number[]} screen */
  move([x, y]) {
    const { clientWidth: width, clientHeight: height } = this.side.host;
    const [w, h] = [this.card.offsetWidth || 240, this.card.offsetHeight || 80];
    this.card.style.left = `${x + 16 + w > width ? Math.max(0, x - w - 12) : x + 16}px`;
    this.card.style.top = `${y + 16 + h > height ? Math.max(0, y - h - 12) : y + 16}px`;
  }

  /** @param {number} row */
  async show(row) {
    const run = this.side.run;
    const told = await get("about", { run, row }).catch(() => null);
    if (!told || this.row !== row) return;
    const facts = Object.entries(told.values).filter(([, value]) => value !== null).slice(0, 5);
    fill(
      this.card,
      pictured(el("img", { alt: "" }), "picture", { run, row }),
      pictured(el("img", { alt: "", title: "redrawn" }), "picture", { run, row, redrawn: true }),
      el("div", null, el("b", null, told.id), ...facts.map(([name, value]) => el("div", null, el("span.soft", null, `${name} `), `${value}`)),
        el("div.soft", null, `${percent(told.share, 0)} lie as far out`)),
    );
    this.card.hidden = false;
  }

  hide() {
    clearTimeout(this.timer);
    this.row = null;
    this.card.hidden = true;
  }

  close() {
    this.hide();
    this.card.remove();
  }
}
