import { distance } from "fastest-levenshtein";

/** The candidate that `word` was probably meant to be; undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  // Two letters swapped are two steps, so a word of four letters is allowed two.
  let bestDistance = (wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const steps = hasSameStart(wanted, other) ? 2 : distance(wanted, other);
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
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
