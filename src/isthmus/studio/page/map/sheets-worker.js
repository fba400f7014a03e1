// The worker that makes sheets of pictures.

import { sheets } from "./sheets.js";

self.onmessage = async ({ data }) => {
  const told = (/** @type {import("./sheets.js").Sheet} */ sheet) =>
    self.postMessage({ id: data.id, sheet }, { transfer: [sheet.bitmap] });
  await sheets(data, data.count, told);
  self.postMessage({ id: data.id });
};
