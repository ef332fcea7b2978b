import {
  gateKinds,
  gateTextShape,
  hookConfigShape,
  parseDuration,
  parseSize,
  policyShape,
  sourceText,
} from "@pipehooks/core";
import { z } from "zod";
import { namingKinds } from "./gate-parts.ts";
import { type JsonSchema, type Shape, shapeOf } from "./shape.ts";

const policies = withoutMilliseconds(policyShape);
// A destination is shared, and only a hook can be switched off.
const { disableAfter: _disableAfter, ...destinationBreaker } = policies.breaker.unwrap().shape;
const size = z
  .string()
  .regex(/^\d+(B|KiB|MiB|GiB)$/, {
    error: 'a size is a whole number with B, KiB, MiB or GiB, such as "64KiB"',
    abort: true,
  })
  .refine((text) => parseSize(text) >= 1, { error: "this size must be at least 1B", abort: true })
  .refine((text) => Number.isSafeInteger(parseSize(text)), { error: "this size is too large" });
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, {
    error: 'a duration is a number with ms, s, m, h or d, such as "30s"',
    abort: true,
  })
  .refine((text) => parseDuration(text) <= parseDuration("365d"), {
    error: "a duration is at most 365d",
  });
const texts = z.array(z.string());
const textOrTexts = z.union([texts, z.string()]);

/** One entry of `hooks`, in camelCase; `options` are checked by the kind, and that it has `events` where it needs some. */
export const hookSchema = z.strictObject({
  name: hookConfigShape.name.describe(
    "Unique in the file; part of the idempotency key, so renaming a hook makes a new one",
  ),
  kind: z
    .string()
    .min(1)
    .describe("What it does: an official kind such as webhook, or one that a plugin brings"),
  events: textOrTexts
    .optional()
    .describe(
      'Globs over event types; "*" takes all, "!…" takes away. May be left out with join and absence',
    ),
  filter: z
    .strictObject({
      pipelines: textOrTexts.optional().describe("Globs over the event's pipeline"),
      flowgroups: textOrTexts.optional().describe("Globs over the event's flowgroup"),
      actions: textOrTexts.optional().describe("Globs over the event's action"),
      tables: textOrTexts.optional().describe("Globs over the event's table"),
    })
    .optional()
    .describe("Where an event must come from; empty or absent takes all"),
  when: z
    .union([z.string(), z.boolean()])
    .optional()
    .describe("CEL expression over `event`; a missing field is false"),
  destination: z
    .string()
    .min(1)
    .optional()
    .describe("Name under `destinations`. Default: what the kind says"),
  options: z.record(z.string(), z.unknown()).optional().describe("What the kind takes"),
  ...policies,
  ...gateTextShape,
});

/** The file without its hooks' details, in camelCase. */
export const fileSchema = z.strictObject({
  version: z.literal(1).optional().describe("Version of this form"),
  store: z
    .string()
    .optional()
    .describe(
      "sqlite:PATH or memory:. Default sqlite:.pipehooks/pipehooks.db, relative to the file",
    ),
  durability: z
    .enum(["full", "normal"])
    .optional()
    .describe(
      "full: on disk before emit returns; normal: a power cut may lose the last moments. Default full",
    ),
  retention: z
    .strictObject({
      maxAge: duration.optional().describe("Age at which settled events go. Default 30d"),
      deadMaxAge: duration
        .optional()
        .describe("Age at which events with dead deliveries go. Default 90d"),
      maxEvents: z
        .int()
        .min(1)
        .optional()
        .describe("Beyond this many the oldest settled events go"),
    })
    .optional()
    .describe("How long what is settled is kept"),
  source: sourceText.optional().describe("CloudEvents source of what is emitted with this file"),
  maxEventSize: size.optional().describe("Largest event as JSON. Default 256KiB"),
  allowUnknownTypes: z
    .boolean()
    .optional()
    .describe("Take events of types that nobody declared. Default false"),
  plugins: texts
    .optional()
    .describe("npm packages and local .ts or .js files that bring kinds and event types"),
  eventTypes: z
    .record(
      z.string(),
      z.strictObject({
        metadata: z
          .union([z.record(z.string(), z.unknown()), z.boolean()])
          .optional()
          .describe("JSON Schema (draft 2020-12) of the event's metadata"),
      }),
    )
    .optional()
    .describe("Own event types"),
  destinations: z
    .record(
      z.string(),
      z.strictObject({
        rateLimit: policies.rateLimit,
        concurrency: policies.concurrency,
        breaker: z.strictObject(destinationBreaker).optional(),
      }),
    )
    .optional()
    .describe("What several hooks share: one budget, one breaker"),
  defaults: z
    .strictObject(policies)
    .optional()
    .describe("Policies of every hook that does not say otherwise"),
  hooks: z.array(z.unknown()).optional().describe("The hooks"),
});

export type HookInput = z.output<typeof hookSchema>;
export type FileInput = z.output<typeof fileSchema>;

/** JSON Schema of the file's own keys, in camelCase. */
export function fileJsonSchema(): JsonSchema {
  return z.toJSONSchema(fileSchema, { io: "input" }) as JsonSchema;
}

/** JSON Schema of one hook's own keys, in camelCase. */
export function hookJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(hookSchema, { io: "input" }) as JsonSchema;
  return {
    ...schema,
    anyOf: ["events", ...namingKinds].map((key) => ({
      required: [key],
      properties: { [key]: { not: { type: "null" } } },
    })),
    dependentSchemas: Object.fromEntries(gateKinds.map((kind) => [kind, withoutOthers(kind)])),
  };
}

// A hook has one gate at most; one with nothing behind it is none.
function withoutOthers(kind: string): JsonSchema {
  const others = gateKinds.filter((other) => other !== kind);
  return {
    if: { properties: { [kind]: { type: "null" } } },
    else: { properties: Object.fromEntries(others.map((other) => [other, { type: "null" }])) },
  };
}

export function fileShape(): Shape {
  return shapeOf(fileSchema);
}

export function hookShape(): Shape {
  return shapeOf(hookSchema);
}

type PolicyShape = { readonly [Key in keyof typeof policyShape]: (typeof policyShape)[Key] };

// In a file durations carry their unit, so the keys in milliseconds are for code only.
function withoutMilliseconds(shape: PolicyShape): Omit<PolicyShape, "timeoutMs"> {
  return dropMilliseconds(shape) as Omit<PolicyShape, "timeoutMs">;
}

function dropMilliseconds(shape: z.core.$ZodShape): z.core.$ZodShape {
  const kept = Object.entries(shape).filter(([name]) => !name.endsWith("Ms"));
  return Object.fromEntries(
    kept.map(([name, schema]) => {
      if (!(schema instanceof z.ZodOptional)) return [name, schema];
      const inner: unknown = schema.unwrap();
      if (!(inner instanceof z.ZodObject)) return [name, schema];
      const object = z.strictObject(dropMilliseconds(inner.shape)).optional();
      return [
        name,
        schema.description === undefined ? object : object.describe(schema.description),
      ];
    }),
  );
}
