import type { DeliveryState } from "./store.ts";

/** States of deliveries that something can still come of by itself. */
export const unsettledStates: readonly DeliveryState[] = [
  "gathering",
  "waiting",
  "blocked",
  "running",
  "retrying",
  "pending",
];

/** States in which a delivery stays, until somebody replays it. */
export const settledStates: readonly DeliveryState[] = [
  "delivered",
  "skipped",
  "dead",
  "cancelled",
];
