// Wishes as a form and as a text: boxes and sliders write the text, and a text that is read sets boxes and sliders.

/** @typedef {{ kind: "class", classes: string[], weight: number }} ClassWish */
/** @typedef {{ kind: "mixture", shares: [string, number][], weight: number }} MixtureWish */
/** @typedef {{ kind: "range", name: string, low: number | null, high: number | null, weight: number }} RangeWish */
/** @typedef {ClassWish | MixtureWish | RangeWish} Wish */

const AWKWARD = /[,|+:"]/;

/** Four digits are as many as a slider can mean. @param {number} value */
export const told = (value) => String(+value.toPrecision(4));

/** @param {string} name */
const quoted = (name) => (AWKWARD.test(name) ? `"${name}"` : name);

/** @param {Wish} wish */
function one(wish) {
  const weight = wish.weight === 1 ? "" : `${told(wish.weight)}*`;
  if (wish.kind === "class") return `${weight}class=${wish.classes.map(quoted).join("|")}`;
  if (wish.kind === "mixture") return `${weight}class=${wish.shares.map(([name, share]) => `${quoted(name)}:${+share.toFixed(2)}`).join("+")}`;
  if (wish.low !== null && wish.high !== null) return `${weight}${wish.name}=${told(wish.low)}..${told(wish.high)}`;
  return wish.low !== null ? `${weight}${wish.name}>${told(wish.low)}` : wish.high !== null ? `${weight}${wish.name}<${told(wish.high)}` : "";
}

/** @param {Wish[]} wishes */
export const written = (wishes) => wishes.map(one).filter(Boolean).join(", ");

/** What the boxes hold, as wishes. @param {string[]} chosen @param {boolean} between @param {Record<string, number>} shares @param {number} weight @returns {Wish[]} */
export function ofClasses(chosen, between, shares, weight) {
  if (!chosen.length) return [];
  if (!between || chosen.length < 2) return [{ kind: "class", classes: chosen, weight }];
  const total = chosen.reduce((sum, name) => sum + (shares[name] ?? 1), 0) || 1;
  return [{ kind: "mixture", shares: chosen.map((name) => [name, (shares[name] ?? 1) / total]), weight }];
}
