// The report of a run: one file to be sent to anybody, opened in a tab of its own, or written into the run.

import { address, get, post } from "../api.js";
import { el, fill } from "../dom.js";

export const words = "Report";

/** @param {HTMLElement} host @param {any} studio */
export function mount(host, studio) {
  if (!document.head.querySelector('link[href="/page/training.css"]')) document.head.append(el("link", { rel: "stylesheet", href: "/page/training.css" }));
  const run = studio.store.get("run");
  const open = el("a.button", { href: address("report", { run }), target: "_blank", rel: "noopener" }, "Open the report");
  const said = el("p.soft", { role: "status" });
  const save = el("button", { onclick: () => saved(run, save, said, studio) }, "Save it in the run");
  const holds = el("ul");
  fill(host,
    el("h2", null, "Report"),
    el("div.reportcard", null,
      el("p", null, "One page with what is in this run: the pictures it learnt from, how training went, what was measured and on how many pictures, maps with their scores, designs with their verdicts, and the limits of all that."),
      el("p.soft", null, "A single file. It needs neither a script nor the network, reads well on a phone and on paper, and names no place on this machine."),
      el("div.row", null, open, save),
      said,
      el("small.soft", null, "The same in the terminal: ", el("code", null, "isthmus report RUN -o report.html"))),
    el("div.reportcard", null, el("h3", null, "It will hold"), holds));
  parts(run, holds).catch(studio.sorry);
}

/** @param {string} run @param {HTMLElement} host */
async function parts(run, host) {
  const { parts } = await get("report/parts", { run });
  fill(host, ...parts.map((/** @type {string} */ one) => el("li", null, one)));
}

/** @param {string} run @param {any} button @param {HTMLElement} said @param {any} studio */
async function saved(run, button, said, studio) {
  button.disabled = true;
  try {
    const { file, bytes } = await post("report", { run });
    fill(said, `Written to ${file} in the run (${(bytes / 1e6).toFixed(1)} MB).`);
  } catch (error) {
    studio.sorry(error);
  } finally {
    button.disabled = false;
  }
}
