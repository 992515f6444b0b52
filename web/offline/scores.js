// What both rankers need of numpy: z-scores, weighted sums, stable orders. NaN means "has no score".

export function standardise(scores) {
  const known = scores.filter((score) => !Number.isNaN(score));
  const mean = known.reduce((sum, score) => sum + score, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, score) => sum + (score - mean) ** 2, 0) / known.length);
  if (!known.length || deviation < 1e-9) return new Float32Array(scores.length);
  return Float32Array.from(scores, (score) => (Number.isNaN(score) ? 0 : (score - mean) / deviation));
}

// One score for each passage: the weighted sum of the signals' z-scores.
export function fuse(raw, weights) {
  const total = new Float32Array(Object.values(raw)[0].length);
  for (const [name, weight] of Object.entries(weights)) {
    if (!weight) continue;
    standardise(raw[name]).forEach((score, n) => { total[n] += Math.fround(Math.fround(weight) * score); });
  }
  return total;
}

// Positions, best first; equal scores stay in reading order.
export function ordered(scores) {
  return Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
}

export const highest = (scores) => scores.reduce((most, score) => (score > most ? score : most), -Infinity);
export const mean = (scores) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
