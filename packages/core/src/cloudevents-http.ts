import {
  dataAttributes,
  describe,
  invalid,
  type ParsedCloudEvent,
  parseCloudEvent,
  readCloudEvent,
  toAttributes,
  toCloudEvent,
  toData,
} from "./cloudevents.ts";
import type { PipehooksEvent } from "./event.ts";
import type { JsonObject, JsonValue } from "./json.ts";

// A byte order mark is part of an attribute's value; JSON bodies lose theirs before they are parsed.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How an event travels in one HTTP message. */
export interface CloudEventMessage {
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, to be sent as UTF-8. */
  readonly body: string;
}

/**
 * An event as an HTTP message
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md):
 * `structured` has all of it in the body, `binary` has the attributes in `ce-` headers, `batched` carries
 * several in one array and is for receivers that asked for it.
 */
export function toHttpMessage(
  event: PipehooksEvent,
  mode: "structured" | "binary",
): CloudEventMessage;
export function toHttpMessage(
  events: readonly PipehooksEvent[],
  mode: "batched",
): CloudEventMessage;
export function toHttpMessage(
  event: PipehooksEvent | readonly PipehooksEvent[],
  mode: "structured" | "binary" | "batched",
): CloudEventMessage {
  if (mode === "batched") {
    const events = event as readonly PipehooksEvent[];
    return {
      headers: { "content-type": "application/cloudevents-batch+json" },
      body: JSON.stringify(events.map(toCloudEvent)),
    };
  }
  const one = event as PipehooksEvent;
  if (mode === "structured") {
    return {
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify(toCloudEvent(one)),
    };
  }
  const { datacontenttype, ...attributes } = toAttributes(one);
  const headers: Record<string, string> = { "content-type": datacontenttype };
  for (const [name, value] of Object.entries(attributes)) {
    headers[`ce-${name}`] = encodeHeader(String(value));
  }
  return { headers, body: JSON.stringify(toData(one)) };
}

/** Percent-encodes space, `"`, `%` and all outside U+0021 to U+007E. */
function encodeHeader(text: string): string {
  if (/^[!#$&-~]*$/.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x25;
    encoded += plain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Unquotes, then decodes once; undefined where the bytes are no UTF-8. */
function decodeHeader(text: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(text)?.[1];
  const plain = quoted === undefined ? text : quoted.replace(/\\(.)/gs, "$1");
  if (!plain.includes("%")) return plain;
  const bytes = plain
    .split(/(%[0-9A-Fa-f]{2})/)
    .map((part, i) => (i % 2 === 1 ? Buffer.from(part.slice(1), "hex") : Buffer.from(part)));
  return decodeUtf8(Buffer.concat(bytes));
}

/**
 * Reads the CloudEvents of an HTTP message in structured, batched or binary mode.
 * @throws HookError EVENT_INVALID, naming each wrong attribute
 */
export function parseHttpMessage(message: {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string | Uint8Array;
}): ParsedCloudEvent[] {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name.toLowerCase(), [value].flat().join(", "));
  }
  const contentType = (headers.get("content-type") ?? "").trim().toLowerCase();
  if (contentType.startsWith("application/cloudevents-batch")) {
    return parseBatch(parseJsonBody(contentType, message.body));
  }
  if (contentType.startsWith("application/cloudevents")) {
    return [parseCloudEvent(parseJsonBody(contentType, message.body))];
  }
  return [parseBinary(headers, contentType, message.body)];
}

function parseBatch(value: unknown): ParsedCloudEvent[] {
  if (!Array.isArray(value)) throw invalid([`the batch is ${describe(value)} and not an array`]);
  const all: string[] = [];
  const events = value.flatMap((item, index) => {
    const problems: string[] = [];
    const event = readCloudEvent(item, problems);
    all.push(...problems.map((problem) => `event ${index + 1}: ${problem}`));
    return event ?? [];
  });
  if (all.length > 0) throw invalid(all);
  return events;
}

function parseBinary(
  headers: ReadonlyMap<string, string>,
  contentType: string,
  body: string | Uint8Array,
): ParsedCloudEvent {
  const attributes: Record<string, JsonValue> = Object.create(null);
  const problems: string[] = [];
  for (const [header, value] of headers) {
    if (!header.startsWith("ce-")) continue;
    const name = header.slice(3);
    const text = decodeHeader(value);
    if (text === undefined)
      problems.push(`"${name}" is percent-encoded from bytes that are no UTF-8`);
    else attributes[name] = text;
    if (dataAttributes.has(name) && name !== "dataschema") {
      problems.push(`the header "ce-${name}" must not appear in binary mode`);
    }
  }
  if (!("specversion" in attributes)) {
    throw invalid([
      `it has neither a content type "application/cloudevents…" nor the headers ce-specversion, ce-id, ce-source, ce-type`,
    ]);
  }
  if (problems.length > 0) throw invalid(problems);
  return parseCloudEvent({ ...attributes, ...parseBinaryData(contentType, body) });
}

function parseBinaryData(contentType: string, body: string | Uint8Array): JsonObject {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (bytes.length === 0) return {};
  const media = contentType.split(";", 1)[0]?.trim() ?? "";
  if (/^(?:application|text)\/(?:[^/]*\+)?json$/.test(media)) return { data: parseJson(bytes) };
  const text = media.startsWith("text/") ? decodeUtf8(bytes) : undefined;
  return text === undefined
    ? { data_base64: Buffer.from(bytes).toString("base64") }
    : { data: text };
}

function parseJsonBody(contentType: string, body: string | Uint8Array): JsonValue {
  const media = contentType.split(";", 1)[0]?.trim() ?? "";
  if (!media.endsWith("+json")) {
    throw invalid([`the format "${media.slice(0, 60)}" is not known; only JSON is`]);
  }
  return parseJson(typeof body === "string" ? Buffer.from(body) : body);
}

function parseJson(bytes: Uint8Array): JsonValue {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw invalid(["the body is no UTF-8"]);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw invalid(["the body is no JSON"], error);
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
