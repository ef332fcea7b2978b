import { builtInEventTypes, deliveryEventTypes, type EventTypes } from "@pipehooks/core";
import { type JsonSchema, jsonSchemaOf } from "./shape.ts";

/** What is known about the events that can come. */
export interface Knowledge {
  /** Types that can be emitted. */
  readonly types: readonly string[];
  readonly allowUnknownTypes: boolean;
  /** How a key is written where the user reads of it. */
  readonly spell: Spell;
  /** JSON Schema of a type's metadata, where it has one. */
  metadataOf(type: string): JsonSchema | undefined;
}

/** `eventTypes` → `event_types` in a file, and what it is called in code there. */
export type Spell = (key: string) => string;

/** Keys as `pipehooks.config.ts` has them. */
export const inCode: Spell = (key) => (key === "eventTypes" ? "events" : key);

/** What built-in types and those of the file and its plugins let one say about a route or a template. */
export function createKnowledge(
  own: EventTypes,
  { allowUnknownTypes, spell }: Pick<Knowledge, "allowUnknownTypes" | "spell">,
): Knowledge {
  const schemas: EventTypes = { ...builtInEventTypes, ...own };
  return {
    types: [...Object.keys(schemas), ...deliveryEventTypes],
    allowUnknownTypes,
    spell,
    metadataOf: (type) => announced[type] ?? jsonSchemaOf(schemas[type]),
  };
}

/** What gates tell by themselves. */
const announced: Readonly<Record<string, JsonSchema>> = {
  "pipehooks.absence.missed": closed("hook key expect since deadline last missed"),
  "pipehooks.absence.resolved": closed("hook key expect missed_at came"),
  "pipehooks.join.incomplete": closed("hook key missing came since deadline"),
  "pipehooks.gate.full": closed("hook key max_keys"),
};

function closed(names: string): JsonSchema {
  const properties = Object.fromEntries(names.split(" ").map((name) => [name, {}]));
  return { type: "object", properties, additionalProperties: false };
}
