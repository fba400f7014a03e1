// All talk with the server: questions, envelopes of numbers, and two sockets that come back by themselves.

import { Refusal, unpack } from "./envelope.js";

export { Refusal, unpack };

/** @typedef {import("./envelope.js").Envelope} Envelope */

/** Whether this page was sent without its studio; what needs a server is not shown then. */
export const still = false;

/** @param {string} path @param {Record<string, any>} [asked] */
export const address = (path, asked = {}) => {
  const given = Object.entries(asked).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `/api/${path}?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : `/api/${path}`;
};

/** Show what an address gives in an image. @param {HTMLImageElement} image @param {string} path @param {Record<string, any>} asked */
export function pictured(image, path, asked) {
  image.src = address(path, asked);
  return image;
}

/** @param {string} path @param {Record<string, any>} asked @param {RequestInit} how */
async function ask(path, asked, how) {
  let answer;
  try {
    answer = await fetch(address(path, asked), how);
  } catch {
    throw new Refusal("the studio does not answer", "Is it still running?", 0);
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({ what: `the studio answered ${answer.status}`, remedy: "" }));
  throw new Refusal(told.what ?? "something went wrong", told.remedy ?? "", answer.status);
}

/** @param {string} path @param {Record<string, any>} [asked] */
export const get = async (path, asked = {}) => (await ask(path, asked, {})).json();

/** @param {string} path @param {Record<string, any>} [asked] @param {any} [body] */
export const post = async (path, asked = {}, body = undefined) =>
  (await ask(path, asked, sending(body))).json();

/** @param {string} path @param {Record<string, any>} [asked] */
export const getNumbers = async (path, asked = {}) => unpack(await (await ask(path, asked, {})).arrayBuffer());

/** @param {string} path @param {Record<string, any>} [asked] @param {any} [body] */
export const postNumbers = async (path, asked = {}, body = undefined) =>
  unpack(await (await ask(path, asked, sending(body))).arrayBuffer());

/** @param {string} path @param {Record<string, any>} [asked] @param {any} [body] */
export const postFile = async (path, asked = {}, body = undefined) => (await ask(path, asked, sending(body))).blob();

/** Bytes go as they are, anything else as JSON. @param {any} body @returns {RequestInit} */
function sending(body) {
  if (body === undefined) return { method: "POST" };
  if (ArrayBuffer.isView(body)) return { method: "POST", body: /** @type {BodyInit} */ (body) };
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

const socketAddress = (/** @type {string} */ path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

/** What happens in the studio, for as long as the page is open; `gone` tells whether the server is away. */
export class Events extends EventTarget {
  constructor() {
    super();
    this.waiting = 500;
    this.open();
  }
  open() {
    const socket = new WebSocket(socketAddress("/api/events"));
    socket.onopen = () => {
      this.waiting = 500;
      this.dispatchEvent(new CustomEvent("gone", { detail: false }));
    };
    socket.onmessage = (message) => {
      const event = JSON.parse(message.data);
      this.dispatchEvent(new CustomEvent(event.kind, { detail: event }));
    };
    socket.onclose = () => {
      this.dispatchEvent(new CustomEvent("gone", { detail: true }));
      setTimeout(() => this.open(), this.waiting);
      this.waiting = Math.min(8000, this.waiting * 1.6);
    };
  }
}

/** Decodes codes: one question in flight, and of those that wait only the latest is ever asked. */
export class Decoder {
  /** @param {string} run @param {(answer: Envelope) => void} then */
  constructor(run, then) {
    this.run = run;
    this.then = then;
    this.seq = 0;
    this.busy = false;
    this.took = 0; // milliseconds from a question to its picture on the screen
    /** @type {any} */ this.latest = null;
    /** @type {WebSocket | null} */ this.socket = null;
    this.closed = false;
  }
  /** @param {Record<string, any>} question */
  ask(question) {
    this.latest = { ...question, seq: ++this.seq };
    this.asked = performance.now();
    this.pump();
  }
  pump() {
    if (this.closed || this.busy || this.latest === null) return;
    if (this.socket === null) return this.connect();
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.busy = true;
    this.socket.send(JSON.stringify(this.latest));
    this.since = /** @type {number} */ (this.asked);
    this.latest = null;
  }
  connect() {
    const socket = new WebSocket(socketAddress(address("decode", { run: this.run })));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.pump();
    socket.onmessage = (message) => {
      this.busy = false;
      this.then(unpack(message.data));
      this.took = performance.now() - /** @type {number} */ (this.since);
      this.pump();
    };
    socket.onclose = () => {
      this.busy = false;
      this.socket = null;
    };
    this.socket = socket;
  }
  close() {
    this.closed = true;
    this.socket?.close();
  }
}
