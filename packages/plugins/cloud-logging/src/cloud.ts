import {
  type BatchSender,
  type CheckReport,
  type Delivery,
  type GivenAnswer,
  type HookContext,
  HookError,
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
  readonly fit: Fit;
  readonly requestTimeoutMs: number;
}

/**
 * The content within what the provider takes: cut, or refused.
 * @throws HookError REQUEST_INVALID
 */
export type Fit = <Content extends JsonValue>(content: Content, limit: Limit<Content>) => Content;

export interface Limit<Content> {
  /** Bytes of it as the provider counts them. */
  sizeOf(content: Content): number;
  /** @default those of a record */
  readonly mostBytes?: number | undefined;
  /** What is too large, for messages. @default "the record" */
  readonly what?: string | undefined;
}

const defaultTimeout = "20s";

export function toParts(options: CloudLoggingOptions, context: HookContext): CloudParts {
  const most = mostBytesOf(options);
  const { name } = context;
  return {
    context,
    toRecord: createToRecord(options.record),
    fit(content, { sizeOf, mostBytes = most, what = "the record" }) {
      const bytes = sizeOf(content);
      if (bytes <= mostBytes) return content;
      const refuse = options.oversize === "refuse";
      const cut = refuse ? content : cutToFit(content, mostBytes, sizeOf);
      if (sizeOf(cut) <= mostBytes) return cut;
      const remedy = refuse
        ? 'Write less of the event ("record"), or set "oversize: cut"'
        : 'Write less of the event ("record")';
      throw new HookError(
        "REQUEST_INVALID",
        `${name}: ${what} has ${bytes} bytes, and one may have ${mostBytes}. ${remedy}.`,
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
