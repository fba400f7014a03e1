// What is chosen: its pictures, a table to take away, new pictures drawn from where they lie.

import { getNumbers, post, postFile, still } from "../api.js";
import { el, fill, paint, put, whole } from "../dom.js";
import { farness } from "../farness.js";
import { saved } from "../film.js";

export const words = "Select";

const SHOWN = 120;

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  const drawn = el("section");
  const chosen = el("section");
  const show = () => selection(chosen, drawn, studio);
  fill(host, chosen, drawn);
  studio.atlas.addEventListener("selection", show);
  show();
  return () => studio.atlas.removeEventListener("selection", show);
}

/** @param {HTMLElement} host @param {HTMLElement} drawn @param {any} studio */
function selection(host, drawn, studio) {
  const { atlas } = studio;
  const rows = atlas.selection;
  if (!rows) {
    return fill(host, el("h2", null, "Nothing is chosen"), el("p.soft", null, "Draw around pictures with the lasso, press a class in the legend, or search by id or label."),
      el("p.soft", null, el("kbd", null, "Shift"), " adds, ", el("kbd", null, "Alt"), " takes away."));
  }
  const run = studio.room.name;
  const table = async () => saved(await postFile("selection.csv", { run, map: atlas.mapName ?? undefined }, rows), `${run.replaceAll("/", "-")}-selection.csv`);
  const count = el("input", { type: "number", min: "1", max: "1024", value: "32", "aria-label": "how many", style: { width: "76px" } });
  const seed = el("input", { type: "number", min: "0", value: "0", "aria-label": "seed", style: { width: "64px" } });
  const sample = () => draw(drawn, studio, rows, Number(count.value), Number(seed.value));
  const tiles = [...rows.subarray(0, SHOWN)].map((row) => el("button", { title: `row ${row}`, "aria-label": `Picture in row ${row}`, onclick: () => atlas.look(row, true) }, atlas.picture(row)));
  fill(host,
    el("div.row.spread", null, el("h2", null, `${whole(rows.length)} chosen`), el("button.quiet", { onclick: () => atlas.select(null) }, "Clear")),
    el("div.row", null, el("button", { onclick: () => table().catch(studio.sorry) }, "Save as CSV"), still ? null : el("button", { onclick: () => studio.store.set({ panel: "label" }) }, "Label them …")),
    el("div.tiles", null, ...tiles), rows.length > SHOWN ? el("small", null, `the first ${SHOWN} are shown`) : null);
  if (still) return;
  put(host, el("h3", null, "New pictures from here"),
    el("div.row", null, count, el("span.soft", null, "seed"), seed, el("button.main", { onclick: sample }, "Draw")),
    el("small", null, "From a density of the chosen codes. They are written as files into the run."));
}

/** @param {HTMLElement} host @param {any} studio @param {Uint32Array} rows @param {number} n @param {number} seed */
async function draw(host, studio, rows, n, seed) {
  const run = studio.room.name;
  try {
    const { job } = await post("sample", { run, n, seed }, rows);
    const { folder } = await studio.jobs.done(job);
    const told = await getNumbers("sample", { run, folder });
    const [count, ...shape] = told.shapes.frames;
    const size = shape[0] * shape[1] * shape[2];
    const pixels = /** @type {Uint8Array} */ (told.arrays.frames);
    const tiles = Array.from({ length: count }, (_, i) => {
      const made = el("canvas", { role: "img", "aria-label": `drawn picture ${i}: ${farness(told.arrays.share[i]).words}` });
      paint(made, pixels.subarray(i * size, (i + 1) * size), shape);
      return el("span", { title: farness(told.arrays.share[i]).words }, made);
    });
    fill(host, el("h2", null, `${count} new pictures`), el("div.tiles", null, ...tiles), el("small", null, `written to ${folder}/ in the run, with their codes`));
  } catch (error) {
    studio.sorry(error);
  }
}
