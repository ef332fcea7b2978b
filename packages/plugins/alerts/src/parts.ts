import type { Cuts } from "./text.ts";

/** A part of a message in a channel's form. */
export interface Part<Form> {
  readonly what: string;
  /** Parts of the highest rank are left out first, of the same rank the last one; 0 never is. */
  readonly rank: number;
  readonly form: Form;
}

/** The parts in their order, without those that have to go for the rest to fit. */
export function keepFitting<Form>(
  parts: readonly Part<Form>[],
  fits: (forms: readonly Form[]) => boolean,
  cuts: Cuts,
): readonly Form[] {
  const left = new Set<Part<Form>>();
  const kept = () => parts.filter((part) => !left.has(part)).map(({ form }) => form);
  const leaving = parts
    .filter(({ rank }) => rank > 0)
    .reverse()
    .sort((a, b) => b.rank - a.rank);
  for (const part of leaving) {
    if (fits(kept())) break;
    left.add(part);
  }
  // What went in vain, because something larger had to go after it, comes back.
  for (const part of [...left].reverse()) {
    left.delete(part);
    if (!fits(kept())) left.add(part);
  }
  cuts.push(...leaving.filter((part) => left.has(part)).map(({ what }) => `${what} left out`));
  return kept();
}
