import { z } from "zod";
import { defineEvents, type EventTypes } from "./catalogue.ts";
import { messageOf } from "./errors.ts";
import { issuesText } from "./issues-text.ts";
import { breakerShape, durationText, policySchema, rateText } from "./policy.ts";

/** The `source` of events. */
export const sourceText: z.ZodType<string, string> = z
  .string()
  .regex(/^\S+$/, "a source is a URI reference without spaces, such as /pipelines/prod");
const withMethods = (...names: readonly string[]): z.ZodOptional<z.ZodCustom<unknown>> =>
  z
    .custom(
      (value) => names.every((name) => typeof Reflect.get(Object(value), name) === "function"),
      `give an object with the methods ${names.join(", ")}`,
    )
    .optional();
const { disableAfter: _, ...destinationBreaker } = breakerShape;
/** Checks {@link PipehooksOptions}, hooks and event types apart; configuration in code is checked by the same one. */
export const busOptionsSchema = z.object({
  source: sourceText.optional(),
  allowUnknownTypes: z.boolean().optional(),
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
  logger: withMethods("debug", "info", "warn", "error"),
  clock: withMethods("now", "timer"),
  random: z.custom((value) => typeof value === "function", "give a function").optional(),
});

const wholeSchema = z.strictObject({
  ...busOptionsSchema.shape,
  events: z.unknown().optional(),
  hooks: z.array(z.unknown()).optional(),
  store: withMethods("accept", "claim", "settle", "lanes", "watch"),
  deliver: z.boolean().optional(),
});
const optionNames = Object.keys(wholeSchema.shape);

/** What is wrong with the options of a bus, each of its hooks apart; a line for each. */
export function busProblems(options: { readonly events?: EventTypes | undefined }): string[] {
  const checked = wholeSchema.safeParse(options);
  const issues = checked.error?.issues ?? [];
  const problems = issues.map((issue) => issuesText([issue], optionNames));
  try {
    defineEvents(options.events ?? {});
  } catch (error) {
    problems.push(`events: ${messageOf(error)}`);
  }
  return problems;
}
