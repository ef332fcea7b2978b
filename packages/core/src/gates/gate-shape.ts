import { z } from "zod";
import type { PipehooksEvent } from "../event.ts";
import { durationText } from "../policy.ts";
import {
  checkAbsence,
  checkAlert,
  checkDebounce,
  checkDigest,
  checkJoin,
  msOf,
  type ReportGate,
} from "./gate-checks.ts";
import type { GateCondition, GateDuration, GateOptions, GateValue } from "./options.ts";
import type { GateKind } from "./spec.ts";

/** Keys of a hook that are gates; a hook has one of them at most. */
export const gateKinds: readonly GateKind[] = [
  "debounce",
  "digest",
  "join",
  "threshold",
  "absence",
  "alert",
];

const longestMs = 365 * 86_400_000;
const milliseconds = z.int().nonnegative().max(longestMs);
const namePattern = /^[A-Za-z0-9][\w.-]{0,99}$/;
const timeOfDay = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** What is written differently in code and in files. */
interface Parts {
  readonly duration: z.ZodType<GateDuration, GateDuration>;
  readonly value: z.ZodType<GateValue, GateValue>;
  readonly condition: z.ZodType<GateCondition, GateCondition>;
}

const valueText = z
  .string()
  .min(1)
  .describe("A path in the event, or a CEL expression over `event`");
const conditionText = z.union([z.string(), z.boolean()]).describe("A CEL expression over `event`");
const fileParts: Parts = { duration: durationText, value: valueText, condition: conditionText };
const codeParts: Parts = {
  duration: z.union([durationText, milliseconds]),
  value: z.union([valueText, z.custom<(event: PipehooksEvent) => unknown>(isFunction)]),
  condition: z.union([conditionText, z.custom<(event: PipehooksEvent) => boolean>(isFunction)]),
};

/** Shapes of the gates as keys of a hook in code: durations in milliseconds too, functions where conditions are. */
export const gateShape = shapeOf(codeParts);

/** Shapes of the gates as keys of a hook in a file. */
export const gateTextShape = shapeOf(fileParts);

function shapeOf({ duration, value, condition }: Parts) {
  const wait = duration.refine((given) => msOf(given) !== 0, {
    error: "this duration must be at least 1ms",
  });
  const events = z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe("Globs over event types");
  const limits = {
    by: z
      .union([value, z.array(value).min(1)])
      .optional()
      .describe("What events are grouped by: a path or a CEL expression over `event`, or several"),
    maxEvents: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe("Most events that a delivery carries whole. Default 1000"),
    maxKeys: z
      .int()
      .min(1)
      .max(10_000_000)
      .optional()
      .describe("Most groups that are remembered. Default 100000"),
  };
  const timeZone = z.string().optional().describe("An IANA name. Default UTC");
  const inputs = z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(namePattern, "a name has letters, digits, - _ and . only, at most 100")
          .describe("Unique in the join"),
        events,
        when: condition.optional().describe("Which of them count"),
      }),
    )
    .min(1, "name at least one input")
    .max(100, "a join has 100 inputs at most");

  return {
    debounce: z
      .strictObject({
        ...limits,
        wait: wait.describe("How long it must be quiet"),
        maxWait: wait.optional().describe("Longest time that the first event waits"),
        leading: z.boolean().optional().describe("Deliver the first event at once. Default false"),
      })
      .superRefine(checked(checkDebounce))
      .optional()
      .describe("Gate: one delivery for a burst of events"),
    digest: z
      .strictObject({
        ...limits,
        every: wait.optional().describe("Length of a period, from its first event"),
        cron: z.string().optional().describe("When periods end: five fields"),
        timeZone,
        max: z.int().min(1).optional().describe("So many events end the period"),
        flushWhen: condition.optional().describe("An event for which it holds ends the period"),
      })
      .superRefine(checked(checkDigest))
      .optional()
      .describe("Gate: one delivery for the events of a period"),
    join: z
      .strictObject({
        ...limits,
        allOf: inputs.optional().describe("Inputs that must all come"),
        anyOf: inputs.optional().describe("Inputs of which at_least must come"),
        atLeast: z.int().min(1).optional().describe("How many of any_of are needed. Default 1"),
        within: wait.optional().describe("How long after its first event the window ends"),
        baseline: z
          .enum(["last_fire", "ever"])
          .optional()
          .describe("Whether every input must come anew after a fire. Default last_fire"),
        onFailedInput: z
          .enum(["wait", "cancel", "fire"])
          .optional()
          .describe("What a failed input does. Default wait"),
        failWhen: condition
          .optional()
          .describe("Which events are failures. Default: types that end with .error"),
        onDeadline: z
          .enum(["drop", "fire_partial", "emit"])
          .optional()
          .describe("What happens when inputs are missing at the end. Default drop"),
        late: z
          .enum(["next", "drop"])
          .optional()
          .describe("What becomes of what was missing and comes later. Default next"),
      })
      .superRefine(checked(checkJoin))
      .optional()
      .describe("Gate: one delivery once all of several inputs have come"),
    threshold: z
      .strictObject({
        ...limits,
        count: z.int().min(1).max(10_000).describe("How many"),
        within: wait.describe("Length of the window, which slides"),
        distinct: value.optional().describe("Count different values of it instead of events"),
        resetOn: events.optional().describe("Types that begin the count anew"),
      })
      .optional()
      .describe("Gate: one delivery once there are many"),
    absence: z
      .strictObject({
        ...limits,
        expect: events.describe("Types of which one is expected"),
        when: condition.optional().describe("Which of them count"),
        after: z
          .strictObject({ events, within: wait })
          .optional()
          .describe("Expected within a time after one of these"),
        at: z
          .string()
          .regex(timeOfDay, 'a time of day is HH:MM, such as "06:00"')
          .optional()
          .describe("Expected by this time of day"),
        timeZone,
        days: z
          .union([z.string(), z.array(z.string()).min(1)])
          .optional()
          .describe("Days on which `at` is, such as mon-fri. Default every day"),
        every: wait.optional().describe("Expected at least so often"),
        grace: duration.optional().describe("How much later it may come. Default 0s"),
        for: z
          .array(z.string().min(1))
          .min(1)
          .optional()
          .describe("Keys that it is expected of. Default: those that events had"),
        forgetAfter: wait
          .optional()
          .describe("How long after its absence was reported a key is forgotten. Default 7d"),
      })
      .superRefine(checked(checkAbsence))
      .optional()
      .describe("Gate: a delivery when something has not come"),
    alert: z
      .strictObject({
        ...limits,
        openWhen: condition
          .optional()
          .describe("Which events are failures. Default: types that end with .error"),
        resolveOn: events.describe("Types that end the incident"),
        confirmFor: duration
          .optional()
          .describe("How long it must last before it is opened. Default 0s"),
        remind: z
          .array(wait)
          .max(100)
          .optional()
          .describe("When reminders come, counted from the opening; the last one repeats"),
        maxReminders: z
          .int()
          .nonnegative()
          .max(10_000)
          .optional()
          .describe("Most reminders. Default: as many as `remind` has entries"),
      })
      .superRefine(checked(checkAlert))
      .optional()
      .describe("Gate: one incident of many failures: opened, reminded of, resolved"),
  } satisfies { readonly [Kind in GateKind]: z.ZodType<unknown, GateOptions[Kind]> };
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function checked<Options>(check: (options: Options, report: ReportGate) => void) {
  return (options: Options, context: z.core.$RefinementCtx): void =>
    check(options, (key, message) => {
      const path = typeof key === "string" ? [key] : [...key];
      context.addIssue({ code: "custom", path, message });
    });
}
