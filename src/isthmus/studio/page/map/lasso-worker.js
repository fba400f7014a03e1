// The worker of the lasso: keeps the places it was sent last, answers one polygon a message.

import { within } from "./lasso.js";

let places = new Float32Array(0);

self.onmessage = ({ data }) => {
  if (data.places) places = data.places;
  if (data.polygon) {
    const rows = within(places, data.polygon);
    self.postMessage({ id: data.id, rows }, { transfer: [rows.buffer] });
  }
};
