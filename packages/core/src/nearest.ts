import { distance } from "fastest-levenshtein";

/** The candidate that `word` was probably meant to be; undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  // Half of a short word would be another word.
  let bestDistance = (wanted.length < 5 ? 1 : Math.max(2, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const steps = stepsBetween(wanted, plain(candidate));
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
}

/** A question to stand before the remedy, with a space behind it; empty where nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const similar = nearest(word, candidates);
  return similar === undefined ? "" : `Did you mean "${similar}"? `;
}

function stepsBetween(a: string, b: string): number {
  if (isSwapped(a, b)) return 1;
  return hasSameStart(a, b) ? Math.min(2, distance(a, b)) : distance(a, b);
}

// Two neighbours that changed places are one slip.
function isSwapped(a: string, b: string): boolean {
  const at = [...a].findIndex((letter, index) => letter !== b[index]);
  if (at < 0 || a.length !== b.length) return false;
  return a.slice(0, at) + a[at + 1] + a[at] + a.slice(at + 2) === b;
}

// `retries` means `retry`, whatever is counted.
function hasSameStart(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  const shared = Math.max(4, shorter - 1);
  return a !== b && shorter >= 4 && a.slice(0, shared) === b.slice(0, shared);
}

// Case and separators are what people mix up most: `rateLimit`, `rate-limit` and `Rate_Limit` are one word.
function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[_\-\s]/g, "");
}
