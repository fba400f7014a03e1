// A page with nothing but the map, for tests, benchmarks and looking.

import { MapView } from "/page/map/view.js";

const host = document.getElementById("host");
const heard = [];
const map = new MapView(host, { describe: (row) => `picture ${row}`, label: "Map of a test" });
for (const type of ["hover", "press", "drag", "release", "open", "lasso", "select", "path", "view", "mode"]) {
  map.on(type, (detail) => heard.push({ type, ...detail }));
}

/** Points as a map has them: some crowded clusters of many shapes, the same for the same seed. */
export function clusters(n, seed = 1, k = 10) {
  let state = seed >>> 0 || 1;
  const random = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(6.283185307 * random());
  const middles = Array.from({ length: k }, () => [10 * random(), 10 * random(), 0.3 + 0.7 * random()]);
  const places = new Float32Array(2 * n);
  const codes = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const c = Math.floor(random() * k);
    codes[i] = c;
    places[2 * i] = middles[c][0] + middles[c][2] * normal();
    places[2 * i + 1] = middles[c][1] + middles[c][2] * normal();
  }
  return { places, codes };
}

Object.assign(window, { map, heard, clusters, host, MapView });
