// Histories as lines: whose term, smoothed, broken where a phase begins.

/** @typedef {{ epoch: number, phase: string, players: Record<string, Record<string, number>>, validation?: Record<string, number>, setbacks?: string[], seconds: number }} Epoch */

/** All terms that any of these histories has, the loss first. @param {Epoch[][]} histories */
export function terms(histories) {
  const found = new Set(["loss"]);
  for (const line of histories.flat()) for (const one of [...Object.values(line.players ?? {}), line.validation ?? {}]) for (const term of Object.keys(one)) found.add(term);
  return [...found];
}

/** Where phases begin. @param {Epoch[]} history */
export const phases = (history) => history.flatMap((line, i) => (i === 0 || line.phase !== history[i - 1].phase ? [{ x: i ? i + 0.5 : 1, words: line.phase }] : []));

/** A line for each whose term it is and each phase. @param {Epoch[]} history @param {string} term @param {number} smooth @returns {{ who: string, points: { x: number, y: number }[] }[]} */
export function lines(history, term, smooth) {
  /** @type {Map<string, { who: string, points: { x: number, y: number }[] }>} */ const found = new Map();
  let phase = 0;
  history.forEach((line, i) => {
    if (i && line.phase !== history[i - 1].phase) phase++;
    const whose = { ...line.players, ...(line.validation && Object.keys(line.validation).length ? { validation: line.validation } : {}) };
    for (const [who, values] of Object.entries(whose)) {
      if (!Number.isFinite(values?.[term])) continue;
      const key = `${phase} ${who}`;
      if (!found.has(key)) found.set(key, { who, points: [] });
      /** @type {any} */ (found.get(key)).points.push({ x: i + 1, y: values[term] });
    }
  });
  return [...found.values()].map(({ who, points }) => ({ who, points: smoothed(points, smooth) }));
}

/** A running mean that does not lag at the beginning. @param {{ x: number, y: number }[]} points @param {number} share */
function smoothed(points, share) {
  if (!share) return points;
  let [sum, weight] = [0, 0];
  return points.map(({ x, y }) => {
    sum = share * sum + (1 - share) * y;
    weight = share * weight + (1 - share);
    return { x, y: sum / weight };
  });
}
