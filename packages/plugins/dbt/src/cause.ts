/** Longest `cause`: what is behind is cut off on the way. */
const longestCause = 255;
const ownCause = /\[pipehooks:([\w.-]+):([a-z\d_]+)\]$/;

/** Who started a run, as its cause says. */
export interface CauseMarker {
  readonly hook: string;
  readonly marker: string;
}

/** A cause that ends in a marker by which the run is found again. */
export function toCause(text: string, { hook, marker }: CauseMarker): string {
  const tail = `[pipehooks:${hook}:${marker}]`;
  const words = text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return `${cut(words, longestCause - tail.length - 1)} ${tail}`.trim();
}

/** The marker at the end of a cause: what stands before it is text of events. */
export function parseCause(cause: unknown): CauseMarker | undefined {
  const [, hook, marker] = ownCause.exec(typeof cause === "string" ? cause : "") ?? [];
  return hook === undefined || marker === undefined ? undefined : { hook, marker };
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half a surrogate pair is no character.
  return `${text.slice(0, Math.max(0, most - 1)).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
