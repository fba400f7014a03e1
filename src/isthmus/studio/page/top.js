// The bar at the top: the mark, which run, which view, search, light or dark.

import { get, still } from "./api.js";
import { choice, el, fill } from "./dom.js";

const VIEWS = still ? [["map", "Map"], ["report", "About"]] : [["map", "Map"], ["training", "Training"], ["report", "Report"]];

/** @param {HTMLElement} host @param {any} studio */
export function top(host, studio) {
  const { store, runs } = studio;
  const run = store.get("run");
  const view = run ? store.get("view", "map") : "runs";
  const usable = runs.filter((/** @type {any} */ one) => one.usable || one.name === run);
  const names = usable.map((/** @type {any} */ one) => ({ value: one.name }));
  const other = (/** @type {string} */ name) => (name === "" ? store.set({ view: "runs" }, { step: true }) : store.replace({ run: name, view: view === "runs" ? null : store.get("view") }, true));
  const tabs = VIEWS.map(([name, words]) =>
    el("button", { role: "tab", "aria-selected": String(name === view), onclick: () => store.set({ view: name === "map" ? null : name }, { step: true }), data: { view: name } }, words));
  const search = el("input.search", { type: "search", placeholder: "Find a picture …", "aria-label": "Find a picture by its id or label", onchange: () => found(search, studio) });
  fill(
    host,
    el("a.name", still ? null : { href: "#view=runs", title: "All runs" }, el("img", { src: "/page/mark.svg", alt: "" }), el("span", null, "Isthmus")),
    run && still ? el("b.run", { title: run }, run) : run ? choice([...names, { value: "", words: "all runs …" }], run, other, { class: "run", "aria-label": "Run" }) : null,
    run ? el("nav", { role: "tablist", "aria-label": "Views" }, ...tabs) : null,
    el("span.rest"),
    view === "map" ? search : null,
    el("button.quiet.icon", { title: "Light or dark", "aria-label": "Switch between light and dark", onclick: turn }, "◐"),
  );
}

/** @param {HTMLInputElement} search @param {any} studio */
async function found(search, studio) {
  if (!search.value.trim()) return;
  try {
    const told = await get("search", { run: studio.room.name, words: search.value });
    if (!told.rows.length) return studio.say(`nothing is called “${search.value}”`);
    studio.atlas.select(Uint32Array.from(told.rows));
    studio.atlas.look(told.rows[0], true);
    if (told.count > told.rows.length) studio.say(`the first ${told.rows.length} of ${told.count} that were found are chosen`);
  } catch (error) {
    studio.sorry(error);
  }
}

function turn() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // a page opened from a file may have no memory: it is light or dark until it is closed
  }
}

/** Light or dark, as it was left; null where nothing is remembered. @returns {string | null} */
export function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}
