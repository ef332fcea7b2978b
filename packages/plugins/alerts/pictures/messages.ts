import type { Delivery } from "@pipehooks/core";
import { createTestDelivery, createTestEvent } from "@pipehooks/testing";

const where = {
  ...{ pipeline: "orders", flowgroup: "ingest", action: "load", runId: "run_2026-01-15" },
  time: "2026-01-15T06:30:00.000Z",
};
const failure = createTestEvent({
  ...where,
  type: "action.error",
  metadata: { duration: 12.5, run_url: "https://runs.example.com/42", environment: "prod" },
  error: {
    message: "Table or view not found: raw.orders_2026\nline 1, position 14",
    class: "AnalysisException",
    code: "42P01",
    causes: [{ class: "FileNotFoundError", message: "s3://raw/orders/2026-01-15 does not exist" }],
  },
});
const success = createTestEvent({
  ...where,
  id: "01936c52-1c40-7000-8000-000000000002",
  type: "action.end",
  time: "2026-01-15T08:42:00.000Z",
  metadata: { duration: 48.2, rows: 1_234_567, run_url: "https://runs.example.com/43" },
});
const alert = { since: "2026-01-15T06:30:00.000Z", key: "orders", incident: "i1" };
const gate = { reason: "1h since the first event", restIds: [] };

/** What the pictures show, by name. */
export const deliveries: Readonly<Record<string, Delivery>> = {
  failed: createTestDelivery({
    ...{ event: failure, key: "orders", gate },
    alert: { ...alert, state: "opened", count: 1 },
  }),
  resolved: createTestDelivery({
    ...{ events: [failure, success], count: 2, key: "orders", gate },
    alert: { ...alert, state: "resolved", count: 3 },
  }),
  digest: createTestDelivery({
    gate,
    count: 14,
    events: [
      ...["orders", "customers"].map((pipeline) =>
        createTestEvent({
          ...{ type: "pipeline.error", pipeline },
          error: { message: `Connection to the source of ${pipeline} timed out after 30 s` },
        }),
      ),
      ...Array.from({ length: 12 }, (_, n) => createTestEvent({ pipeline: `daily_${n + 1}` })),
    ],
  }),
};
