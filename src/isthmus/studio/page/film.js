// The strip of pictures along a path; what lies far from all data is underlined so, lest fantasy be taken for data.

import { el, fill, paint, percent } from "./dom.js";
import { farness } from "./farness.js";

export class Film {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.element = el("div.film", { hidden: true, "aria-label": "Film strip" });
    host.append(this.element);
  }

  /** @param {import("./api.js").Envelope} told @param {string} title */
  show(told, title) {
    const [steps, ...shape] = told.shapes.frames;
    const size = shape[0] * shape[1] * shape[2];
    const frames = /** @type {Uint8Array} */ (told.arrays.frames);
    const canvases = Array.from({ length: steps }, (_, i) => {
      const share = told.arrays.share[i];
      const far = farness(share);
      const made = el(`canvas${far.kind ? `.${far.kind}` : ""}`, { role: "img", "aria-label": `step ${i + 1} of ${steps}: ${far.words}`, title: `${far.words} (${percent(share)} of pictures lie as far out)` });
      paint(made, frames.subarray(i * size, (i + 1) * size), shape);
      return made;
    });
    const close = el("button.quiet", { "aria-label": "Close the film strip", onclick: () => this.close() }, "×");
    fill(this.element, el("div.row.spread", null, el("h3", null, title), el("div.row", null, el("button", { onclick: () => this.save(canvases) }, "Save as PNG"), close)), el("div.strip", null, ...canvases));
    this.element.hidden = false;
  }

  /** All frames side by side, as a file. @param {HTMLCanvasElement[]} canvases */
  save(canvases) {
    const scale = Math.max(1, Math.round(64 / canvases[0].height));
    const [width, height] = [canvases[0].width * scale, canvases[0].height * scale];
    const sheet = el("canvas", { width: (width + 2) * canvases.length - 2, height });
    const pen = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
    pen.imageSmoothingEnabled = false;
    canvases.forEach((one, i) => pen.drawImage(one, i * (width + 2), 0, width, height));
    sheet.toBlob((/** @type {Blob} */ blob) => saved(blob, "film.png"));
  }

  close() {
    this.element.hidden = true;
  }
}

/** Hand a file to the person. @param {Blob} blob @param {string} name */
export function saved(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
