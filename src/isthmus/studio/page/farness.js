// How far a code lies from the codes of pictures, in words: `share` of the pictures lie as far out from the rest; 0 where none does.

/** @param {number} share @returns {{ kind: "" | "far" | "beyond", words: string }} */
export function farness(share) {
  if (share >= 0.05) return { kind: "", words: "among the pictures" };
  if (share >= 0.005) return { kind: "far", words: "at the edge of the pictures" };
  return { kind: "beyond", words: "beyond the pictures: invented" };
}
