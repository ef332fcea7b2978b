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
