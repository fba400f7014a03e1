// Chosen pictures as a table, as the studio writes it.

const FORMULA = /^[=+\-@\t\r]/; // a spreadsheet takes such text for a formula

/** @param {string | number | null} value */
function cell(value) {
  if (value === null) return "";
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A row a picture: its id, its place on the map where there is one, and the value of every column.
 * @param {string[]} ids @param {import("../envelope.js").Numbers | undefined} places
 * @param {{ name: string, said: (row: number) => string | number | null }[]} columns @param {Uint32Array} rows
 */
export function table(ids, places, columns, rows) {
  const head = ["id", ...(places ? ["x", "y"] : []), ...columns.map(({ name }) => name)];
  const lines = Array.from(rows, (row) => {
    const place = places ? [places[2 * row], places[2 * row + 1]].map((v) => (Number.isFinite(v) ? Number(v.toPrecision(6)) : null)) : [];
    return [ids[row], ...place, ...columns.map(({ said }) => said(row))];
  });
  return [head, ...lines].map((line) => `${line.map(cell).join(",")}\n`).join("");
}
