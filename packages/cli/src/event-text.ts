import { type EventFields, type JsonObject, messageOf, parseCloudEvent } from "@pipehooks/core";

/**
 * Reads an event as `emit --stdin` takes it: CloudEvents JSON, or the short form.
 * @throws Error naming what it is instead; HookError EVENT_INVALID for a wrong CloudEvent
 */
export function parseEventText(text: string): EventFields<JsonObject> & { readonly type: string } {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("it is no JSON object");
  }
  if ("specversion" in value) return parseCloudEvent(value);
  if (!("type" in value) || typeof value.type !== "string") {
    throw new Error('it has no "type", such as {"type": "pipeline.end", "pipeline": "orders"}');
  }
  // The bus checks every field, as it does for every emitter.
  return value as EventFields<JsonObject> & { readonly type: string };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it is no JSON: ${messageOf(error)}`);
  }
}
