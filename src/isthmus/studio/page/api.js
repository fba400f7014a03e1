// All talk with the server: questions, envelopes of numbers, and two sockets that come back by themselves.

/** What a server said that it cannot do: one sentence, and a remedy. */
export class Refusal extends Error {
  constructor(/** @type {string} */ what, /** @type {string} */ remedy, /** @type {number} */ status) {
    super(remedy ? `${what}. ${remedy}` : what);
    this.status = status;
  }
}

/** @typedef {Float32Array | Int32Array | Uint32Array | Uint8Array} Numbers */
/** @typedef {{ header: any, arrays: Record<string, Numbers>, shapes: Record<string, number[]> }} Envelope */

const KINDS = /** @type {const} */ ({ f4: Float32Array, i4: Int32Array, u4: Uint32Array, u1: Uint8Array });

/** @param {ArrayBuffer} content @returns {Envelope} */
export function unpack(content) {
  const length = new DataView(content).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, length)));
  /** @type {Record<string, Numbers>} */ const arrays = {};
  /** @type {Record<string, number[]>} */ const shapes = {};
  let reached = 4 + length;
  for (const { name, dtype, shape } of header.arrays) {
    reached += (4 - (reached % 4)) % 4;
    const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    arrays[name] = new KINDS[/** @type {keyof typeof KINDS} */ (dtype)](content, reached, count);
    shapes[name] = shape;
    reached += arrays[name].byteLength;
  }
  return { header, arrays, shapes };
}

/** @param {string} path @param {Record<string, any>} [asked] */
export const address = (path, asked = {}) => {
  const given = Object.entries(asked).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `/api/${path}?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : `/api/${path}`;
};

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
