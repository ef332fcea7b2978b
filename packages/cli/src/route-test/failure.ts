import type { Difference } from "./match.ts";

/** A step that did not turn out as it says. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
  readonly differences: readonly Difference[];
  /** What there was instead, for people. */
  readonly notes: readonly string[];

  constructor(
    message: string,
    found: {
      readonly differences?: readonly Difference[];
      readonly notes?: readonly string[];
    } = {},
  ) {
    super(message);
    this.differences = found.differences ?? [];
    this.notes = found.notes ?? [];
  }
}
