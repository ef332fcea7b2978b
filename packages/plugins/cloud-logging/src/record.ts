import {
  compileTemplate,
  type Delivery,
  type JsonObject,
  type JsonValue,
  type PipehooksEvent,
  type Severity,
  toTemplateScope,
} from "@pipehooks/core";
import { severityOf } from "./severity.ts";
import { parseTraceparent } from "./trace.ts";

/** What is written of a delivery, before a provider gives it its form. */
export interface LogRecord {
  /** The same on every attempt. */
  readonly id: string;
  /** When it happened, in milliseconds since the epoch. */
  readonly time: number;
  readonly severity: Severity;
  readonly content: string | JsonObject;
}

/** Deliveries to records: by a template where there is one, else flat, with all that the event says. */
export function createToRecord(template: JsonValue | undefined): (delivery: Delivery) => LogRecord {
  const compiled = template === undefined ? undefined : compileTemplate(template);
  return (delivery) => {
    const { event, eventTexts, gate, idempotencyKey } = delivery;
    const severity = severityOf(event);
    const content =
      compiled === undefined
        ? flatRecord(delivery, severity)
        : toContent(compiled.render(toTemplateScope(delivery)));
    return {
      // What a gate lets through is more than its last event.
      id: gate === undefined ? event.id : idempotencyKey,
      time: Date.parse(event.time),
      severity,
      // Half a character, which no UTF-8 carries, is escaped in JSON and rare.
      content: eventTexts.some((text) => text.includes("\\ud")) ? wellFormed(content) : content,
    };
  };
}

/** One line for people: `pipeline.error orders/ingest: disk full`. */
function lineOf({ type, pipeline, flowgroup, action, table, error }: PipehooksEvent): string {
  const where = [pipeline, flowgroup, action].filter((part) => part !== undefined).join("/");
  const what = [type, where === "" ? table : where].filter((part) => part !== undefined).join(" ");
  return error === undefined ? what : `${what}: ${error.message}`;
}

/** The default record: a column for each field, so that all three products can be asked for them. */
function flatRecord({ event, gate, count, key }: Delivery, severity: Severity): JsonObject {
  const { id, time, type, source, subject, pipeline, flowgroup, action, table } = event;
  const { runId, metadata, error, causedBy, traceparent, extensions } = event;
  const trace = parseTraceparent(traceparent);
  return defined({
    id,
    time,
    severity,
    message: lineOf(event),
    type,
    source,
    subject,
    pipeline,
    flowgroup,
    action,
    table,
    run_id: runId,
    error_message: error?.message,
    error_class: error?.class,
    error_code: error?.code,
    error_stack: error?.stack,
    error_causes: error?.causes?.map((cause) => defined({ ...cause })),
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    caused_by: causedBy,
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
    extensions,
    event_count: gate === undefined ? undefined : count,
    group_key: gate === undefined ? undefined : key,
  });
}

function wellFormed<Value extends JsonValue>(value: Value): Value {
  const reviver = (_: string, item: unknown) =>
    typeof item === "string" ? item.toWellFormed() : item;
  return JSON.parse(JSON.stringify(value), reviver);
}

/** A template may become anything; texts and objects are what can be written. */
function toContent(value: JsonValue): string | JsonObject {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    // Array.isArray does not narrow readonly arrays.
    return value as JsonObject;
  }
  return JSON.stringify(value);
}

function defined(fields: { readonly [key: string]: JsonValue | undefined }): JsonObject {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  // None of what is left is undefined.
  return Object.fromEntries(entries) as JsonObject;
}
