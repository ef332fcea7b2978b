import { toStatus } from "./answer.ts";
import type { DeliveryEventType } from "./catalogue.ts";
import { toDeliveryId } from "./delivery-id.ts";
import type { PipehooksEvent } from "./event.ts";
import type { JsonObject } from "./json.ts";
import type { Verdict } from "./judge.ts";
import type { ClaimedDelivery } from "./store.ts";

/** What the dispatcher tells about a delivery, a hook or a destination. */
export interface Notice {
  readonly type: DeliveryEventType;
  readonly hook: string;
  readonly event?: PipehooksEvent | undefined;
  readonly detail: JsonObject;
}

/** The notices that tell of an attempt, by its outcome. */
export const attemptNotices = {
  delivered: ["pipehooks.delivery.attempted", "pipehooks.delivery.delivered"],
  skipped: ["pipehooks.delivery.attempted", "pipehooks.delivery.skipped"],
  pending: ["pipehooks.delivery.attempted", "pipehooks.delivery.pending"],
  retry: ["pipehooks.delivery.attempted", "pipehooks.delivery.retrying"],
  dead: ["pipehooks.delivery.attempted", "pipehooks.delivery.dead"],
} as const satisfies Record<Verdict["outcome"], readonly DeliveryEventType[]>;

/** What a notice says of an attempt: the metadata of its event. */
export function noticeDetail(told: {
  readonly hook: string;
  readonly claimed: ClaimedDelivery;
  readonly event: PipehooksEvent;
  readonly verdict: Verdict;
  /** Redacted. */
  readonly reason: string | undefined;
  readonly durationMs: number;
}): JsonObject {
  const { hook, claimed, event, verdict, reason, durationMs } = told;
  const status = toStatus(verdict.answer?.status);
  return {
    delivery: toDeliveryId(claimed.id),
    hook,
    event: event.id,
    event_type: event.type,
    attempt: claimed.attempt,
    outcome: verdict.outcome,
    duration_ms: durationMs,
    ...(verdict.error !== undefined && { code: verdict.error.code }),
    ...(reason !== undefined && { reason }),
    ...(status !== undefined && { status }),
    ...(verdict.dueAt !== undefined && { next_at: new Date(verdict.dueAt).toISOString() }),
  };
}
