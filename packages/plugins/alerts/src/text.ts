import type { Escape } from "@pipehooks/core";
import { formatCount } from "@pipehooks/core/messages";
import { largest } from "./largest.ts";

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
  // No form is shorter than its text.
  const points = Array.from(whole.slice(0, most));
  // Always of the whole: an escape may look at more than one code point.
  const formOf = (count: number) => toForm(points.slice(0, count).join("").trimEnd());
  const room = most - ellipsis.length;
  const count = largest(points.length, (some) => formOf(some).length <= room);
  return `${formOf(count)}${ellipsis}`;
}

export interface FitOptions {
  /** Longest form that the receiver takes. */
  readonly most: number;
  /** What it is, for the log. */
  readonly what: string;
  readonly toForm?: Escape | undefined;
}
