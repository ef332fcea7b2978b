import type { Cuts } from "./text.ts";

/** A part of a message in a channel's form. */
export interface Part<Form> {
  readonly what: string;
  /** Parts of the highest rank are left out first; 0 never is. */
  readonly rank: number;
  readonly form: Form;
}

/** The parts in their order, without those that have to go until the rest fits. */
export function keepFitting<Form>(
  parts: readonly Part<Form>[],
  fits: (forms: readonly Form[]) => boolean,
  cuts: Cuts,
): readonly Form[] {
  const formsOf = (kept: readonly Part<Form>[]) => kept.map(({ form }) => form);
  let kept = parts;
  const leaving = parts.filter(({ rank }) => rank > 0).sort((a, b) => b.rank - a.rank);
  for (const part of leaving) {
    if (fits(formsOf(kept))) break;
    kept = kept.filter((other) => other !== part);
    cuts.push(`${part.what} left out`);
  }
  return formsOf(kept);
}
