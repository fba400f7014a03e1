// What a model made of the same few pictures, epoch by epoch, and what its code carried.

import { getNumbers } from "./api.js";
import { el, fill, paint } from "./dom.js";

const BEAT = 350;

/** Pictures above, redrawn below; a slider and a button go through the looks. */
export class Looks {
  /** @param {string} run @param {any[]} history @param {number[]} looks */
  constructor(run, history, looks) {
    this.run = run;
    /** @type {Map<number, any>} */ this.kept = new Map();
    this.slide = el("input", { type: "range", min: "0", step: "1", "aria-label": "Epoch", oninput: () => (this.stop(), this.at(Number(this.slide.value))) });
    this.play = el("button", { onclick: () => (this.timer ? this.stop() : this.run_through()) }, "Play");
    this.words = el("output.soft");
    this.grid = el("div.looks");
    this.title = el("h3", null, "Pictures, and what it makes of them");
    this.element = el("section", null, this.title, this.grid, el("div.row.looking", null, this.play, this.slide, this.words));
    this.timer = 0;
    this.renew(history, looks);
  }

  /** @param {any[]} history @param {number[]} looks */
  renew(history, looks) {
    const last = this.place === undefined || this.place === (this.looks?.length ?? 0) - 1;
    this.history = history;
    this.looks = looks;
    this.slide.max = String(looks.length - 1);
    if (last && !this.timer) this.at(looks.length - 1);
  }

  /** @param {number} place */
  async at(place) {
    if (!this.looks?.length) return;
    this.place = place;
    this.slide.value = String(place);
    const line = this.looks[place];
    const epoch = this.history?.[line - 1];
    const words = epoch ? `${epoch.phase}, epoch ${epoch.epoch}` : `epoch ${line}`;
    fill(this.words, words);
    this.slide.setAttribute("aria-valuetext", words);
    const told = await this.fetch(line).catch(() => null);
    if (!told || this.place !== place) return;
    if (typeof told.header.learnt === "boolean") {
      fill(this.title, `Pictures it ${told.header.learnt ? "learns" : "does not learn"} from, and what it makes of them`);
    }
    const [count, ...shape] = told.shapes.redrawn;
    if (this.grid.children.length !== count) {
      fill(this.grid, ...Array.from({ length: count }, () => el("div", null, el("canvas.picture", { width: 1, height: 1 }), el("canvas.picture", { width: 1, height: 1, role: "img", "aria-label": "redrawn" }))));
    }
    const size = shape[0] * shape[1] * shape[2];
    [...this.grid.children].forEach((pair, i) => {
      paint(pair.children[0], told.arrays.pictures.subarray(i * size, (i + 1) * size), shape);
      paint(pair.children[1], told.arrays.redrawn.subarray(i * size, (i + 1) * size), shape);
    });
  }

  /** @param {number} line */
  async fetch(line) {
    if (!this.kept.has(line)) this.kept.set(line, await getNumbers("training/look", { run: this.run, line }));
    return this.kept.get(line);
  }

  run_through() {
    const last = (this.looks?.length ?? 1) - 1;
    let place = this.place === last ? -1 : (this.place ?? -1);
    fill(this.play, "Stop");
    this.timer = setInterval(async () => {
      place++;
      if (place > last) return this.stop();
      await this.at(place);
    }, BEAT);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    fill(this.play, "Play");
  }
}

/** Numbers of the code from the one that carries most, downwards; epochs to the right. @param {string} run @param {any[]} history */
export async function heat(run, history) {
  const { header, arrays, shapes } = await getNumbers("training/code", { run });
  const [looks, numbers] = shapes.table;
  if (!looks || !numbers) return null;
  const table = arrays.table;
  const last = (looks - 1) * numbers;
  const order = Array.from({ length: numbers }, (_, d) => d).sort((a, b) => table[last + b] - table[last + a]);
  const most = Math.max(1e-9, quantile([...table], 0.99));
  const shown = Math.min(numbers, 256);
  const canvas = el("canvas.heat", { width: looks, height: shown, role: "img" });
  const [low, high] = [ink("--well"), ink("--accent")];
  const image = new ImageData(looks, shown);
  for (let i = 0; i < looks; i++) {
    for (let d = 0; d < shown; d++) {
      const share = Math.sqrt(Math.min(1, Math.max(0, table[i * numbers + order[d]] / most)));
      const at = 4 * (d * looks + i);
      for (let k = 0; k < 3; k++) image.data[at + k] = low[k] + share * (high[k] - low[k]);
      image.data[at + 3] = 255;
    }
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  const kl = header.kind === "kl";
  const active = order.filter((d) => table[last + d] > (kl ? 0.01 : most / 100)).length;
  const words = kl ? "KL in nats" : "variance";
  const summary = `${active} of ${numbers} numbers of the code carry something`;
  canvas.setAttribute("aria-label", `${words} of each number of the code over ${looks} looks; ${summary}`);
  const readout = el("output.soft", null, `${summary}.`);
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    const i = Math.min(looks - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * looks)));
    const d = Math.min(shown - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * shown)));
    const line = history[header.lines[i] - 1];
    fill(readout, `number ${order[d] + 1} after ${line ? `${line.phase}, epoch ${line.epoch}` : header.lines[i]}: ${words} ${(+table[i * numbers + order[d]].toPrecision(3))}`);
  });
  canvas.addEventListener("pointerleave", () => fill(readout, `${summary}.`));
  const key = el("div.row.key", null, el("small.soft", null, "0"), el("i.ramp"), el("small.soft", null, `${+most.toPrecision(3)} ${kl ? "nats" : ""} or more`));
  return el("section", null, el("h3", null, kl ? "What each number of the code carries (KL)" : "How much each number of the code varies"), canvas, el("div.row.spread", null, el("small.soft", null, "earlier"), el("small.soft", null, "epochs"), el("small.soft", null, "later")), key, readout);
}

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(share * values.length))];
}

/** A colour of the page as three numbers. @param {string} name */
function ink(name) {
  const pen = /** @type {CanvasRenderingContext2D} */ (el("canvas", { width: 1, height: 1 }).getContext("2d"));
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
