// Sets of rows as sorted lists, and how a new choice joins an old one.

/** @typedef {"replace" | "add" | "subtract" | "toggle"} How */

/** @param {{shiftKey: boolean, altKey: boolean}} event @returns {How} Shift adds, Alt takes away */
export const howOf = (event) => (event.altKey ? "subtract" : event.shiftKey ? "add" : "replace");

/**
 * @param {Uint32Array | null} old @param {Uint32Array} rows @param {How} how
 * @returns {Uint32Array | null} sorted, without repetition; null where nothing is left
 */
export function joined(old, rows, how) {
  const before = new Set(how === "replace" ? [] : old ?? []);
  for (const row of rows) {
    if (how === "subtract" || (how === "toggle" && before.has(row))) before.delete(row);
    else before.add(row);
  }
  return before.size ? Uint32Array.from(before).sort() : null;
}
