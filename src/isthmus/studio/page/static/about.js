// What a sent page holds and what was left out of it; the run it is of, and what was measured of that.

import { get } from "../api.js";
import { el, fill } from "../dom.js";

export const words = "About";

/** @param {HTMLElement} host @param {any} studio */
export async function mount(host, studio) {
  const sent = await get("sent").catch(studio.sorry);
  if (!sent) return;
  const facts = (/** @type {string[][]} */ pairs) => el("dl.facts", null, ...pairs.flatMap(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
  fill(host, el("div.sent", null,
    el("section", null, el("h2", null, sent.title), facts(sent.facts)),
    el("section", null, el("h2", null, "What this page holds"), ...sent.holds.map((/** @type {string} */ line) => el("p", null, line)),
      el("p.soft", null, "It needs no network and sends nothing. Labels, designs, other maps and any place decoded exactly: in the studio of whoever has the run, by ", el("code", null, "isthmus studio"))),
    el("section", null, el("h2", null, "Maps"), listed(["map", "scores"], sent.maps)),
    sent.records.length ? el("section", null, el("h2", null, "What was measured"), listed(["what", "value", "95 %", "n", "on"], sent.records, [1, 2, 3])) : null,
    el("section", null, el("details", null, el("summary", null, "How the model was made"), facts(sent.model)))));
}

/** @param {string[]} head @param {string[][]} rows @param {number[]} numbers columns of numbers */
function listed(head, rows, numbers = []) {
  const cell = (/** @type {string} */ kind) => (/** @type {string} */ text, /** @type {number} */ i) => el(numbers.includes(i) ? `${kind}.number` : kind, null, text);
  return el("table", null, el("thead", null, el("tr", null, ...head.map(cell("th")))), el("tbody", null, ...rows.map((row) => el("tr", null, ...row.map(cell("td"))))));
}
