import { promisify } from "node:util";
import { gzip } from "node:zlib";
import {
  compileTemplate,
  type Delivery,
  HookError,
  type JsonValue,
  messageOf,
  toHttpMessage,
  toTemplateScope,
} from "@pipehooks/core";
import type { WebhookOptions } from "./options.ts";

/** A body as bytes, with the headers that describe it: name, value, name, value … */
export interface Body {
  readonly headers: readonly string[];
  readonly bytes: Buffer;
}

const json = ["content-type", "application/json"];

/** A class, not a literal, or the bytes may be kept too long: see docs/architecture.md. */
class JsonBody implements Body {
  readonly headers = json;
  readonly bytes: Buffer;

  constructor(text: string) {
    this.bytes = Buffer.from(text);
  }
}

export type Encode = (delivery: Delivery) => Body;

const text = ["content-type", "text/plain; charset=utf-8"];
const compress = promisify(gzip);

/** Events to bodies by the format that the options ask for. */
export function createEncode(options: WebhookOptions): Encode {
  const { format, payload } = options;
  if (format === "cloudevents" || format === "cloudevents-binary") {
    return encodeCloudEvent(format === "cloudevents" ? "structured" : "binary");
  }
  if (payload !== undefined) return encodeTemplate(payload);
  return encodeEvent;
}

/**
 * The body that Standard Webhooks recommends; what a gate let through together has `events` and `gate`, too. It is put
 * together from the texts that are stored: to make them anew would be the dearest part of a delivery.
 */
function encodeEvent({ event, eventTexts, count, key, gate, alert }: Delivery): Body {
  let text = `{"type":${JSON.stringify(event.type)},"timestamp":${JSON.stringify(event.time)},"data":${eventTexts.at(-1)}`;
  if (gate !== undefined || eventTexts.length > 1) text += `,"events":[${eventTexts.join()}]`;
  if (gate !== undefined) text += `,"gate":${JSON.stringify({ key, count, ...gate, alert })}`;
  return new JsonBody(`${text}}`);
}

function encodeCloudEvent(mode: "structured" | "binary"): Encode {
  return ({ event }) => {
    const { headers, body } = toHttpMessage(event, mode);
    return { headers: Object.entries(headers).flat(), bytes: Buffer.from(body) };
  };
}

function encodeTemplate(payload: JsonValue): Encode {
  const template = compileTemplate(payload);
  return (delivery) => {
    const value = template.render(toTemplateScope(delivery));
    return typeof value === "string"
      ? { headers: text, bytes: Buffer.from(value) }
      : new JsonBody(JSON.stringify(value));
  };
}

/** The same body with gzip. */
export async function compressBody(body: Body): Promise<Body> {
  try {
    const bytes = await compress(body.bytes);
    return { headers: [...body.headers, "content-encoding", "gzip"], bytes };
  } catch (error) {
    throw new HookError("REQUEST_INVALID", `The body cannot be compressed: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
