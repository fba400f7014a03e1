// Work that takes longer than a moment: a bar with the time left, a button that stops it, a note when it fails.

import { Refusal, post } from "./api.js";
import { el, fill } from "./dom.js";

const QUIET = 700; // milliseconds before a job is worth a bar
const READ = 7000;

export class Jobs {
  /** @param {EventTarget} events @param {HTMLElement} corner */
  constructor(events, corner) {
    this.corner = corner;
    /** @type {Map<string, any>} */ this.known = new Map();
    /** @type {Map<string, { resolve: (value: any) => void, reject: (error: any) => void, shown?: HTMLElement, host?: HTMLElement }>} */
    this.waiting = new Map();
    events.addEventListener("job", (event) => this.told(/** @type {CustomEvent} */ (event).detail.job));
  }

  /** Those that ran before this page was there. @param {any[]} jobs */
  meet(jobs) {
    const there = new Set(jobs.map((job) => job.id));
    for (const [id, one] of this.waiting) {
      if (there.has(id)) continue;
      this.waiting.delete(id);
      one.shown?.remove();
      one.reject(new Refusal("the studio was started anew, and this work with it", "Ask again.", 0));
    }
    for (const job of jobs) this.told(job);
  }

  /** Wait for a job; its bar is shown in `host` or in the corner. @param {any} job @param {HTMLElement} [host] @returns {Promise<any>} */
  done(job, host) {
    return new Promise((resolve, reject) => {
      this.waiting.set(job.id, { resolve, reject, host });
      this.told(this.known.get(job.id) ?? job);
      setTimeout(() => this.bar(job.id), host ? 0 : QUIET);
    });
  }

  /** @param {any} job */
  told(job) {
    this.known.set(job.id, job);
    const one = this.waiting.get(job.id);
    if (!one) return;
    if (job.state === "running") return this.fresh(job, one.shown);
    this.waiting.delete(job.id);
    one.shown?.remove();
    if (job.state === "done") one.resolve(job.result);
    else if (job.state === "cancelled") one.reject(new Refusal(`${job.title} was stopped`, "", 0));
    else one.reject(new Refusal(job.error.what, job.error.remedy, 0));
  }

  /** @param {string} id */
  bar(id) {
    const one = this.waiting.get(id);
    if (!one || one.shown) return;
    const stop = el("button", { onclick: () => post(`jobs/${id}/cancel`).catch(() => {}) }, "Stop");
    one.shown = el("div.toast.job", null, el("span.what"), el("progress", { "aria-label": "progress" }), el("div.row.spread", null, el("small.left"), stop));
    (one.host ?? this.corner).append(/** @type {HTMLElement} */ (one.shown));
    this.fresh(this.known.get(id), one.shown);
  }

  /** @param {any} job @param {HTMLElement} [shown] */
  fresh(job, shown) {
    if (!shown) return;
    const bar = /** @type {HTMLProgressElement} */ (shown.querySelector("progress"));
    fill(/** @type {Element} */ (shown.querySelector(".what")), job.what);
    if (job.total > 1) [bar.max, bar.value] = [job.total, job.done];
    else bar.removeAttribute("value");
    fill(/** @type {Element} */ (shown.querySelector(".left")), job.left ? `about ${time(job.left)} left` : "");
  }

  /** @param {string} text @param {{ bad?: boolean }} how */
  note(text, { bad = false } = {}) {
    const close = el("button.quiet", { "aria-label": "Close", onclick: () => made.remove() }, "×");
    const made = el(bad ? "div.toast.bad" : "div.toast", { role: bad ? "alert" : "status" }, el("div.row.spread", null, el("span.grow", null, text), close));
    this.corner.append(made);
    if (!bad) setTimeout(() => made.remove(), READ);
  }
}

/** @param {number} seconds */
export const time = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
