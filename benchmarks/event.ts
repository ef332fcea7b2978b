import { defineEvents } from "@pipehooks/core";
import { z } from "zod";

/** The type that is emitted everywhere here. */
export const type = "data.quality_check";

const metadata = z.strictObject({
  check: z.string(),
  passed: z.boolean(),
  rows_checked: z.int().nonnegative(),
  rows_failed: z.int().nonnegative(),
  threshold: z.number(),
  columns: z.array(z.string()),
  message: z.string(),
});

export const events = defineEvents({ [type]: metadata });

/** What an emitter says of it. */
export const fields = {
  pipeline: "orders_daily",
  flowgroup: "bronze_ingest",
  action: "check_orders",
  table: "bronze.orders",
  runId: "run-2026-03-29-0001",
  metadata: {
    check: "order_total_is_positive",
    passed: false,
    rows_checked: 128_401,
    rows_failed: 17,
    threshold: 0.001,
    columns: ["order_id", "order_total", "currency"],
    message: "17 of 128401 rows have a total below zero",
  },
};

/** The whole event as it is stored, about 500 bytes of JSON; what the others are given to store. */
export function makeEvent(number: number) {
  return {
    id: `019a9f40-7c2e-7000-8000-${number.toString(16).padStart(12, "0")}`,
    source: "/pipehooks",
    type,
    time: "2026-03-29T01:00:00.000Z",
    ...fields,
  };
}

/** A schema of the whole event, for what one parse of it costs. */
export const wholeEvent = z.strictObject({
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  time: z.string().min(1),
  pipeline: z.string().min(1).optional(),
  flowgroup: z.string().min(1).optional(),
  action: z.string().min(1).optional(),
  table: z.string().min(1).optional(),
  runId: z.string().min(1).optional(),
  metadata,
});
