// The runs there are, the newest first; what cannot be opened says why.

import { el, fill, whole } from "../dom.js";

export const words = "Runs";

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  document.title = "Isthmus";
  const cards = studio.runs.map((/** @type {any} */ run) => card(run, studio));
  const none = el("div.empty", null, el("h2", null, "There is no run here yet"), el("p", null, "Make one, and it appears here while it trains:"), el("code", null, "isthmus fit PICTURES --out runs/mine"));
  fill(host, el("h2", null, "Runs"), cards.length ? el("div.cards", null, ...cards) : none);
}

/** @param {any} run @param {any} studio */
function card(run, studio) {
  if (run.problem) return el("div.card", null, el("b", null, run.name), el("span.bad", null, run.problem));
  const training = run.status === "training";
  const open = () => studio.store.replace({ run: run.name, view: run.usable ? null : "training" }, true);
  const shape = run.shape ? run.shape.join(" × ") : "";
  const beside = studio.store.get("run") && run.usable && studio.store.get("run") !== run.name;
  return el("div", null,
    el("button.card", { onclick: open, style: { width: "100%" } },
      el("b", null, run.name),
      el("span", null, `${run.model}, ${run.latent ? run.latent.join(" × ") : "?"} numbers`),
      el("span.soft", null, `${run.data || "pictures"}: ${run.pictures ? whole(run.pictures) : "?"} of ${shape}`),
      el("small", null, training ? "training" : run.made.slice(0, 16).replace("T", " "))),
    beside ? el("button.quiet", { onclick: () => studio.store.set({ with: run.name, view: null }, { step: true }) }, `beside ${studio.store.get("run")}`) : null);
}
