import {
  type BatchSender,
  type CheckReport,
  type Delivery,
  type GivenAnswer,
  type HookContext,
  HookError,
  type JsonObject,
  type JsonValue,
  type Outcome,
  parseDuration,
  type Rendered,
} from "@pipehooks/core";
import { cutToFit } from "./cut.ts";
import { mostBytesOf } from "./limits.ts";
import type { CloudLoggingOptions } from "./options.ts";
import { createToRecord, type LogRecord } from "./record.ts";

/** A log store of one provider: the same parts for each, so that they can be compared line by line. */
export interface Cloud<Value> extends BatchSender<Value> {
  render(delivery: Delivery): Rendered;
  answered(answer: GivenAnswer): Outcome | void;
  check(signal: AbortSignal): Promise<CheckReport>;
  close(): Promise<void>;
}

/** What every provider's part is made with. */
export interface CloudParts {
  readonly context: HookContext;
  readonly toRecord: (delivery: Delivery) => LogRecord;
  /** The content within what the provider takes: cut, or refused. */
  readonly fit: <Content extends string | JsonObject>(
    content: Content,
    sizeOf: (content: Content) => number,
  ) => Content;
  readonly requestTimeoutMs: number;
}

const defaultTimeout = "20s";

export function toParts(options: CloudLoggingOptions, context: HookContext): CloudParts {
  const most = mostBytesOf(options);
  const { name } = context;
  return {
    context,
    toRecord: createToRecord(options.record),
    fit(content, sizeOf) {
      const bytes = sizeOf(content);
      if (bytes <= most) return content;
      const refuse = options.oversize === "refuse";
      const cut = refuse ? undefined : cutToFit(content, most, sizeOf);
      if (cut !== undefined) return cut;
      const remedy = refuse
        ? 'Write less of the event ("record"), or set "oversize: cut"'
        : 'Write less of the event ("record")';
      throw new HookError(
        "REQUEST_INVALID",
        `${name}: the record has ${bytes} bytes, and one may have ${most}. ${remedy}.`,
      );
    },
    requestTimeoutMs: parseDuration(options.requestTimeout ?? defaultTimeout),
  };
}

/** Aborts with the call, and where a request takes too long. */
export function requestSignal(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}

/** The answer to route tests: its text, wherever the product has it. */
export function fieldOf(body: JsonValue, ...path: readonly string[]): string | undefined {
  let value: unknown = body;
  for (const step of path) value = Reflect.get(Object(value), step);
  return typeof value === "string" ? value : undefined;
}
