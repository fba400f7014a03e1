// Elements without markup: all text goes in as text, so that no label or file name is ever read as HTML.

/**
 * @param {string} kind  tag, with classes after dots: "button.quiet"
 * @param {Record<string, any> | null} [about]  attributes; on* are listeners, `style` an object, `data` a dataset
 * @param {...(Node | string | number | null | undefined | false)} inside
 * @returns {any}
 */
export function el(kind, about = null, ...inside) {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElement(tag || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [name, value] of Object.entries(about ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name in made && typeof value !== "string") /** @type {any} */ (made)[name] = value;
    else if (name === "value") /** @type {any} */ (made).value = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  put(made, ...inside);
  return made;
}

/** Append children, text as text. @param {Node} host @param {...any} inside */
export function put(host, ...inside) {
  for (const one of inside.flat()) {
    if (one === null || one === undefined || one === false) continue;
    host.appendChild(one instanceof Node ? one : document.createTextNode(String(one)));
  }
}

/** Exactly these children. @param {Element} host @param {...any} inside */
export function fill(host, ...inside) {
  host.replaceChildren();
  put(host, ...inside);
}

/** A drop-down. @param {{value: string, words?: string}[]} choices @param {string} chosen @param {(value: string) => void} then */
export function choice(choices, chosen, then, about = {}) {
  const made = el("select", { ...about, onchange: () => then(made.value) });
  for (const one of choices) made.appendChild(el("option", { value: one.value }, one.words ?? one.value));
  made.value = chosen;
  return made;
}

/** 12,345 */
export const whole = (/** @type {number} */ n) => n.toLocaleString("en");

/** 93.4 % */
export const percent = (/** @type {number} */ share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** Pixels of one picture onto a canvas of its own size; CSS enlarges it. */
export function paint(/** @type {HTMLCanvasElement} */ canvas, /** @type {Uint8Array} */ pixels, /** @type {number[]} */ [height, width, channels]) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  const out = image.data;
  for (let i = 0, j = 0; i < out.length; i += 4, j += channels) {
    out[i] = pixels[j];
    out[i + 1] = pixels[channels === 1 ? j : j + 1];
    out[i + 2] = pixels[channels === 1 ? j : j + 2];
    out[i + 3] = 255;
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
