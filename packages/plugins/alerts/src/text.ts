import type { Escape } from "@pipehooks/core";
import { formatCount } from "@pipehooks/core/messages";

/** What was cut to fit, a phrase each, for the log. */
export type Cuts = string[];

const asItIs: Escape = (text) => text;

const ellipsis = "…";

/**
 * A text in the receiver's form that is no longer than `most`; what is cut is marked by "…" and noted. Cut between code
 * points and measured in UTF-16 units, which are never fewer.
 */
export function fit(
  text: string,
  { most, what, cuts, toForm = asItIs }: FitOptions & { readonly cuts: Cuts },
): string {
  const whole = text.toWellFormed();
  const escaped = toForm(whole);
  if (escaped.length <= most) return escaped;
  cuts.push(`${what} from ${formatCount(escaped.length)} to ${formatCount(most)} characters`);
  let room = most - ellipsis.length;
  let kept = "";
  for (const point of whole) {
    room -= toForm(point).length;
    if (room < 0) break;
    kept += point;
  }
  const cut = `${toForm(kept.trimEnd())}${ellipsis}`;
  // An escape that looks at more than one code point may have made it longer.
  return cut.length <= most ? cut : ellipsis;
}

export interface FitOptions {
  /** Longest form that the receiver takes. */
  readonly most: number;
  /** What it is, for the log. */
  readonly what: string;
  readonly toForm?: Escape | undefined;
}
