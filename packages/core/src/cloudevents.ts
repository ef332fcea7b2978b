import { HookError } from "./errors.ts";
import type { EventError, EventFields, PipehooksEvent } from "./event.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { parseRfc3339 } from "./rfc3339.ts";

/**
 * An event in the JSON format of CloudEvents 1.0
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time?: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: JsonValue;
  /** Extension attributes. */
  readonly [attribute: string]: JsonValue | undefined;
}

/** What {@link parseCloudEvent} found: `const { type, ...fields } = parsed`, ready to be emitted. */
export type ParsedCloudEvent = EventFields<JsonObject> & { readonly type: string };

/** `dataschema` of events whose `data` is `{ metadata, error? }`. */
export const eventDataSchema = "urn:pipehooks:event-data:1";

/** Our own attributes: name of the extension attribute to name of the field. */
const ownAttributes = {
  pipeline: "pipeline",
  flowgroup: "flowgroup",
  action: "action",
  table: "table",
  runid: "runId",
  causedby: "causedBy",
  hops: "hops",
  traceparent: "traceparent",
} as const;
const ownNames = Object.entries(ownAttributes) as [keyof typeof ownAttributes, OwnField][];
type OwnField = (typeof ownAttributes)[keyof typeof ownAttributes];

const contextAttributes = new Set(["specversion", "id", "source", "type", "time", "subject"]);
export const dataAttributes = new Set(["datacontenttype", "dataschema", "data", "data_base64"]);
const namePattern = /^[a-z0-9]+$/;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether a name has a meaning here and so is no free extension attribute. */
function isDefined(name: string): boolean {
  return (
    contextAttributes.has(name) || dataAttributes.has(name) || Object.hasOwn(ownAttributes, name)
  );
}

/** The event as a CloudEvent in structured form; `data` is `{ metadata, error? }`. */
export function toCloudEvent(event: PipehooksEvent): CloudEvent {
  return { ...toAttributes(event), data: toData(event) };
}

export function toAttributes(event: PipehooksEvent) {
  const attributes: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(event.extensions ?? {})) {
    if (!isDefined(name)) attributes[name] = value;
  }
  for (const [name, field] of ownNames) {
    const value = event[field];
    if (value !== undefined) attributes[name] = value;
  }
  const { id, source, type, time, subject } = event;
  return {
    ...attributes,
    specversion: "1.0" as const,
    id,
    source,
    type,
    time,
    ...(subject === undefined ? {} : { subject }),
    datacontenttype: "application/json",
    dataschema: eventDataSchema,
  };
}

export function toData(event: PipehooksEvent): JsonObject {
  // EventError is JSON by its type, but an interface has no index signature.
  const error = event.error as JsonObject | undefined;
  return error === undefined ? { metadata: event.metadata } : { metadata: event.metadata, error };
}

/**
 * Reads a CloudEvent in structured form, ours or foreign. Foreign `data` becomes `metadata` where it is an
 * object, else `{ data }` or `{ data_base64 }`; unknown extension attributes go to `extensions`.
 * @throws HookError EVENT_INVALID, naming each wrong attribute
 */
export function parseCloudEvent(value: unknown): ParsedCloudEvent {
  const problems: string[] = [];
  const event = readCloudEvent(value, problems);
  if (event === undefined || problems.length > 0) throw invalid(problems);
  return event;
}

export function readCloudEvent(value: unknown, problems: string[]): ParsedCloudEvent | undefined {
  if (!isObject(value)) {
    problems.push(`it is ${describe(value)} and not an object`);
    return undefined;
  }
  const read = (name: string, required: boolean) => readText(value, name, required, problems);
  const specversion = read("specversion", true);
  if (specversion !== undefined && specversion !== "1.0") {
    problems.push(`"specversion" is ${describe(specversion)} and not "1.0"`);
  }
  const [id, source, type] = [read("id", true), read("source", true), read("type", true)];
  const [time, subject] = [read("time", false), read("subject", false)];
  if (time !== undefined && Number.isNaN(parseRfc3339(time))) {
    problems.push(`"time" is ${describe(time)} and not a time as in RFC 3339`);
  }
  const own = readOwn(value, problems);
  const extensions = readExtensions(value, problems);
  const data = readData(value, problems);
  if (id === undefined || source === undefined || type === undefined) return undefined;
  return {
    type,
    id,
    source,
    ...(time === undefined ? {} : { time }),
    ...(subject === undefined ? {} : { subject }),
    ...own,
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    ...data,
  };
}

function readText(from: JsonObject, name: string, required: boolean, problems: string[]) {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  if (value === undefined || value === null) {
    if (required) problems.push(`"${name}" is missing`);
    return undefined;
  }
  if (typeof value === "string" && value !== "") return value;
  problems.push(`"${name}" is ${describe(value)} and not a text`);
  return undefined;
}

function readOwn(from: JsonObject, problems: string[]): EventFields {
  const fields: Partial<Record<OwnField, string | number>> = {};
  for (const [name, field] of ownNames) {
    if (name === "hops") continue;
    const value = readText(from, name, false, problems);
    if (value !== undefined) fields[field] = value;
  }
  // In a header every attribute is text.
  const hops =
    typeof from.hops === "string" && /^\d{1,9}$/.test(from.hops) ? +from.hops : from.hops;
  if (typeof hops === "number" && Number.isInteger(hops) && hops >= 0) fields.hops = hops;
  else if (hops !== undefined && hops !== null) {
    problems.push(`"hops" is ${describe(hops)} and not a whole number`);
  }
  // Each field was read with the type that EventFields gives it.
  return fields as EventFields;
}

function readExtensions(from: JsonObject, problems: string[]) {
  const extensions: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(from)) {
    if (isDefined(name) || value === null || value === undefined) continue;
    if (!namePattern.test(name)) {
      problems.push(
        `the attribute name ${describe(name)} has more than lower-case letters and digits`,
      );
    } else if (typeof value === "object") {
      problems.push(`"${name}" is ${describe(value)} and not a text, number or boolean`);
    } else {
      extensions[name] = value;
    }
  }
  return extensions;
}

function readData(from: JsonObject, problems: string[]): EventFields<JsonObject> {
  const { data, data_base64: base64, dataschema } = from;
  for (const name of ["datacontenttype", "dataschema"]) readText(from, name, false, problems);
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) problems.push(`"data" and "data_base64" are both there`);
    if (typeof base64 !== "string" || !base64Pattern.test(base64)) {
      problems.push(`"data_base64" is not base64`);
    }
    return { metadata: { data_base64: base64 } };
  }
  if (data === undefined) return {};
  if (dataschema === eventDataSchema) return readOwnData(data, problems);
  return { metadata: isObject(data) ? data : { data } };
}

function readOwnData(data: JsonValue, problems: string[]): EventFields<JsonObject> {
  const metadata = isObject(data) ? data.metadata : undefined;
  if (!isObject(data) || !isObject(metadata)) {
    problems.push(
      `"data.metadata" is missing or not an object, though "dataschema" says it is there`,
    );
    return {};
  }
  const error = data.error;
  if (error === undefined || error === null) return { metadata };
  if (!isObject(error) || typeof error.message !== "string") {
    problems.push(`"data.error.message" is missing or not a text`);
    return { metadata };
  }
  // The bus checks the error's other fields, as it does for every emitter.
  return { metadata, error: error as unknown as EventError };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

export function invalid(problems: readonly string[], cause?: unknown): HookError {
  return new HookError("EVENT_INVALID", `CloudEvent refused: ${problems.join("; ")}.`, { cause });
}
