import { z } from "zod";
import { defineEvents, type EventTypes } from "./catalogue.ts";
import { issuesText } from "./create-event.ts";
import { messageOf } from "./errors.ts";
import { breakerShape, durationText, policySchema, rateText } from "./policy.ts";

const { disableAfter: _, ...destinationBreaker } = breakerShape;
const optionsSchema = z.object({
  source: z.string().min(1).optional(),
  maxEventBytes: z.int().positive().optional(),
  leaseMs: z.int().min(10).optional(),
  defaults: policySchema.optional(),
  destinations: z
    .record(
      z.string(),
      z.strictObject({
        rateLimit: z.array(rateText).optional(),
        concurrency: z.int().min(1).optional(),
        breaker: z.strictObject(destinationBreaker).optional(),
      }),
    )
    .optional(),
  retention: z
    .strictObject({
      maxAge: durationText.optional(),
      deadMaxAge: durationText.optional(),
      maxEvents: z.int().min(0).optional(),
    })
    .optional(),
  secrets: z.array(z.string()).optional(),
});

/** What is wrong with the options of a bus, its hooks apart; a line for each. */
export function busProblems(options: { readonly events?: EventTypes | undefined }): string[] {
  const checked = optionsSchema.safeParse(options);
  const problems = checked.success ? [] : checked.error.issues.map((issue) => issuesText([issue]));
  try {
    defineEvents(options.events ?? {});
  } catch (error) {
    problems.push(`events: ${messageOf(error)}`);
  }
  return problems;
}
