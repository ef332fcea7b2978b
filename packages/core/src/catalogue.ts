import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { HookError } from "./errors.ts";

/** Event types by name, each with the schema of its `metadata`. */
export type EventTypes = Readonly<Record<string, StandardSchemaV1>>;

// Values are checked when the event is frozen, which takes dates too.
const anything = z.record(z.string(), z.unknown());
const seconds = z.number().nonnegative();
const rows = z.int().nonnegative();

/** Metadata of what begins: open, nothing is required. */
const startMetadata: z.ZodType<StartMetadata, StartMetadata> = z.looseObject({});
const endMetadata: z.ZodType<EndMetadata, EndMetadata> = z.looseObject({
  duration: seconds.optional(),
  rows: rows.optional(),
});

/** Metadata of `*.start`: whatever the emitter knows. */
export type StartMetadata = { readonly [key: string]: unknown };

/** Metadata of `*.end` and `*.error`. */
export interface EndMetadata {
  /** Seconds since the start, as fractions allow. */
  readonly duration?: number | undefined;
  /** Rows moved, as the code counted them. */
  readonly rows?: number | undefined;
  readonly [key: string]: unknown;
}

/** Metadata of `table.created`. */
export interface TableMetadata {
  readonly rows?: number | undefined;
  readonly [key: string]: unknown;
}

const tableMetadata: z.ZodType<TableMetadata, TableMetadata> = z.looseObject({
  rows: rows.optional(),
});

/** The types that need no definition. */
export const builtInEventTypes = {
  "pipeline.start": startMetadata,
  "pipeline.end": endMetadata,
  "pipeline.error": endMetadata,
  "flowgroup.start": startMetadata,
  "flowgroup.end": endMetadata,
  "flowgroup.error": endMetadata,
  "action.start": startMetadata,
  "action.end": endMetadata,
  "action.error": endMetadata,
  "table.created": tableMetadata,
} as const satisfies EventTypes;

export type BuiltInEventTypes = typeof builtInEventTypes;

/** What Pipehooks says about itself; hooks get them by naming the type, `*` leaves them out. */
export const deliveryEventTypes = [
  "pipehooks.delivery.accepted",
  "pipehooks.delivery.attempted",
  "pipehooks.delivery.delivered",
  "pipehooks.delivery.retrying",
  "pipehooks.delivery.pending",
  "pipehooks.delivery.dead",
  "pipehooks.delivery.skipped",
  "pipehooks.hook.disabled",
  "pipehooks.hook.enabled",
  "pipehooks.destination.paused",
  "pipehooks.gate.full",
  "pipehooks.absence.missed",
  "pipehooks.absence.resolved",
  "pipehooks.join.incomplete",
] as const;

export type DeliveryEventType = (typeof deliveryEventTypes)[number];

/** Whether a type is one of Pipehooks' own, which never cause delivery events themselves. */
export function isOwnType(type: string): boolean {
  return type.startsWith("pipehooks.");
}

export const eventTypePattern: RegExp = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*$/;

/**
 * Defines event types of one's own: type to schema of its metadata, in any Standard Schema validator
 * (https://standardschema.dev), zod first. `emit`, what it answers, and `on` are then typed by the type's name.
 * @throws HookError CONFIG_INVALID when a name is not dotted lower case or is taken, or a type has no schema
 */
export function defineEvents<const Types extends EventTypes>(types: Types): Types {
  for (const type of Object.keys(types)) {
    if (!eventTypePattern.test(type)) {
      throw new HookError(
        "CONFIG_INVALID",
        `Event type "${type}" is not a dotted lower-case name, such as "data.quality_check".`,
      );
    }
    if (!isSchema(types[type])) {
      throw new HookError(
        "CONFIG_INVALID",
        `Event type "${type}" has no schema of its metadata. Give one, such as z.object({ rows: z.number() }).`,
      );
    }
    if (Object.hasOwn(builtInEventTypes, type) || isOwnType(type)) {
      throw new HookError(
        "CONFIG_INVALID",
        `Event type "${type}" is built in. Choose another name for yours.`,
      );
    }
  }
  return Object.freeze({ ...types });
}

/** Whether it is a validator as in https://standardschema.dev. */
export function isSchema(value: unknown): boolean {
  const standard: unknown = Reflect.get(Object(value), "~standard");
  return typeof Reflect.get(Object(standard), "validate") === "function";
}

/** Metadata of types that are known to nobody, where these are allowed. */
export const unknownMetadata: StandardSchemaV1 = anything;
