import type { Delivery, EventFields, JsonObject, PipehooksEvent } from "@pipehooks/core";
import { silentLogger } from "@pipehooks/core";

/** A delivery made by hand, with what the hook emitted into it. */
export interface TestDelivery extends Delivery {
  readonly emitted: readonly { readonly type: string; readonly fields: EventFields<JsonObject> }[];
}

/** A complete event; give what matters to the test. */
export function createTestEvent(fields: Partial<PipehooksEvent> = {}): PipehooksEvent {
  return Object.freeze({
    id: "01936c4e-8a00-7000-8000-000000000001",
    source: "/pipelines/test",
    type: "pipeline.end",
    time: "2026-01-15T06:30:00.000Z",
    pipeline: "orders",
    flowgroup: "ingest",
    action: "load",
    runId: "run_1",
    metadata: { duration: 12.5, rows: 1250 },
    ...fields,
  });
}

/** A delivery as a bus would make it for one attempt; give what matters to the test. */
export function createTestDelivery(fields: Partial<Delivery> = {}): TestDelivery {
  const event = fields.event ?? fields.events?.at(-1) ?? createTestEvent();
  const events = fields.events ?? [event];
  const emitted: { type: string; fields: EventFields<JsonObject> }[] = [];
  return {
    id: "dlv_1",
    hook: "test",
    events,
    eventTexts: events.map((each) => JSON.stringify(each)),
    count: events.length,
    key: null,
    attempt: 1,
    idempotencyKey: "whk_test_1",
    state: undefined,
    signal: new AbortController().signal,
    logger: silentLogger,
    emit: (type, fields = {}) => {
      emitted.push({ type, fields });
    },
    ...fields,
    event,
    emitted,
  };
}
