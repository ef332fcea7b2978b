import { settledStates, unsettledStates } from "@pipehooks/core";
import { z } from "zod";
import { attemptTimePattern } from "./attempt-times.ts";

const duration = z
  .string()
  .regex(
    /^\d+(\.\d+)?(ms|s|m|h|d)$/,
    'a duration is a number with ms, s, m, h or d, such as "30s"',
  );
// Without its zone a time would be another one on another machine.
const timePattern = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const pointInTime = z
  .string()
  .refine(
    (text) => timePattern.test(text) && !Number.isNaN(Date.parse(text)),
    'must be a time with date, hour and zone, such as "2026-03-29T01:00:00+01:00"',
  );
const name = z.string().min(1);
const count = z.int().min(0);
const data = z.record(z.string(), z.unknown());

/** An event in the short form that `emit --stdin` takes; core checks it when it is emitted. */
const emitSchema = z.looseObject({ type: name, runId: z.string().optional() });

/** What a receiver says to one attempt. */
const answerSchema = z.union([
  z.int().min(100).max(599),
  z.enum(["timeout", "refused"]),
  z.strictObject({
    status: z.int().min(100).max(599),
    headers: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    body: z.unknown().optional(),
  }),
]);

const expectSchema = z
  .strictObject({
    hook: name,
    deliveries: count.optional(),
    attempts: count.optional(),
    at: z
      .array(z.string().regex(attemptTimePattern, 'times are written "+30s", "+1s..+2s" or "…"'))
      .optional(),
    state: z.enum([...unsettledStates, ...settledStates]).optional(),
    rendered: z.unknown().optional(),
    target: z.string().optional(),
    headers: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    events: z.union([count, z.array(data)]).optional(),
    alert: z.union([data, z.array(data)]).optional(),
    reason: z.string().optional(),
    within: duration.optional(),
  })
  .refine((expected) => expected.within === undefined || letsTimePass(expected), {
    message: '"within" says nothing without "attempts", "at" or a "state" that is final',
  });

const stepKeys = [
  "emit",
  "wait",
  "until",
  "answer",
  "expect",
  "expect_nothing",
  "expect_event",
] as const;

const stepSchema = z
  .strictObject({
    emit: emitSchema.optional(),
    wait: duration.optional(),
    until: pointInTime.optional(),
    answer: z.strictObject({ hook: name, with: z.array(answerSchema).min(1) }).optional(),
    expect: expectSchema.optional(),
    expectNothing: z
      .union([
        z.literal("all"),
        z.strictObject({ hook: name }),
        z.strictObject({ hooks: z.array(name).min(1) }),
      ])
      .optional(),
    expectEvent: z
      .strictObject({ type: name, count: count.optional(), metadata: data.optional() })
      .optional(),
  })
  .refine(
    (step) => Object.values(step).filter((value) => value !== undefined).length === 1,
    `needs exactly one of: ${stepKeys.join(", ")}`,
  );

/** A file of route tests, keys in camelCase. */
export const testFileSchema = z.strictObject({
  config: name.optional(),
  seed: z.int().min(0).optional(),
  tests: z
    .array(
      z.strictObject({
        name,
        start: pointInTime.optional(),
        only: z.boolean().optional(),
        skip: z.boolean().optional(),
        steps: z.array(stepSchema).min(1),
      }),
    )
    .min(1),
});

export type TestFileInput = z.output<typeof testFileSchema>;
export type TestInput = TestFileInput["tests"][number];
export type Step = z.output<typeof stepSchema>;
export type Expectation = z.output<typeof expectSchema>;
export type GivenAnswerInput = z.output<typeof answerSchema>;

/** Whether an expectation waits until what it looks at is settled. */
export function letsTimePass({
  attempts,
  at,
  state,
}: {
  readonly attempts?: number | undefined;
  readonly at?: readonly string[] | undefined;
  readonly state?: string | undefined;
}): boolean {
  const settled = ["delivered", "skipped", "dead", "cancelled"];
  return (
    attempts !== undefined || at !== undefined || (state !== undefined && settled.includes(state))
  );
}
