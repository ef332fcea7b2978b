import type { Delivery, PipehooksEvent } from "@pipehooks/core";
import { createTestEvent } from "@pipehooks/testing";

export interface Sample {
  readonly name: string;
  readonly height: number;
  readonly dark: boolean;
  readonly delivery: Partial<Delivery>;
}

const failed = createTestEvent({
  id: "01936c4e-8a00-7000-8000-00000000002a",
  type: "pipeline.error",
  source: "/pipelines/prod",
  pipeline: "orders",
  flowgroup: "ingest",
  action: "load_raw",
  runId: "run_20260115_0630",
  error: {
    class: "AnalysisException",
    message: "Table or view not found: raw.orders_2026_01_15",
    severity: "CRITICAL",
    causes: [{ class: "TimeoutError", message: "the metastore did not answer within 30 s" }],
    stack:
      "AnalysisException: Table or view not found: raw.orders_2026_01_15\n    at loadRaw (file:///pipelines/orders/load.ts:42:11)\n    at run (file:///pipelines/orders/main.ts:17:3)",
  },
  metadata: {
    duration: 752.4,
    rows: 1_204_551,
    url: "https://dbc-a1b2.cloud.databricks.com/jobs/12/runs/845",
    cluster: "etl-large",
  },
});

const night: readonly PipehooksEvent[] = [
  "orders",
  "customers",
  "stock",
  "prices",
  "returns",
].flatMap((pipeline, index): PipehooksEvent[] => {
  const time = new Date(Date.UTC(2026, 0, 15, 2, 10 * index)).toISOString();
  const base = { id: `night_${index}`, source: "/pipelines/prod", pipeline, time };
  const { flowgroup: _group, action: _action, ...event } = createTestEvent(base);
  if (index % 2 === 0) return [{ ...event, type: "pipeline.end" }];
  const message =
    index === 1 ? "Duplicate key 4711 in staging.customers" : "No prices for 14 of 2,300 items";
  const severity = index === 1 ? "ERROR" : "WARNING";
  return [{ ...event, type: "pipeline.error", error: { class: "DataError", message, severity } }];
});

const since = "2026-01-15T06:30:00.000Z";

/** What the pictures show. */
export const samples: readonly Sample[] = [
  { name: "error", height: 740, dark: false, delivery: { event: failed, hook: "data-team" } },
  { name: "error-dark", height: 740, dark: true, delivery: { event: failed, hook: "data-team" } },
  {
    name: "digest",
    height: 630,
    dark: false,
    delivery: {
      hook: "night-report",
      events: night,
      count: 5,
      gate: { reason: "12h since the first event", restIds: [] },
    },
  },
  {
    name: "resolved",
    height: 540,
    dark: false,
    delivery: {
      hook: "data-team",
      key: "orders",
      event: createTestEvent({
        source: "/pipelines/prod",
        time: "2026-01-15T08:12:00.000Z",
        runId: "run_20260115_0812",
        metadata: { duration: 688, rows: 1_204_551 },
      }),
      since: Date.parse("2026-01-15T08:12:04.000Z"),
      gate: { reason: "a success after the failures", restIds: [] },
      alert: { state: "resolved", since, count: 7, key: "orders", incident: "mk9x2c_3a" },
    },
  },
];
