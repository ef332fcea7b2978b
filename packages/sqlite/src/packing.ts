import type {
  Acceptance,
  Accepted,
  ClaimedDelivery,
  JsonValue,
  LaneClaim,
  Settlement,
} from "@pipehooks/core";
import type { Cell, LaneAnswer, SettlementCells } from "./calls.ts";
import { stateCodes } from "./states.ts";

/** Flat: source, id, type, pipeline, at, body, number of deliveries; then hook, dueAt, orderKey of each. */
export function packAcceptances(batch: readonly Acceptance[]): Cell[] {
  const cells: Cell[] = [];
  for (const { event, deliveries, at } of batch) {
    cells.push(event.source, event.id, event.type, event.pipeline ?? null);
    cells.push(at, event.body, deliveries.length);
    for (const { hook, dueAt, orderKey } of deliveries) cells.push(hook, dueAt, orderKey ?? null);
  }
  return cells;
}

export function unpackAccepted(cells: readonly number[]): Accepted[] {
  const accepted: Accepted[] = [];
  for (let at = 0; at < cells.length; at += 3) {
    const [first = 0, length = 0, duplicate] = [cells[at], cells[at + 1], cells[at + 2]];
    accepted.push({
      duplicate: duplicate === 1,
      deliveries: Array.from({ length }, (_, n) => first + n),
    });
  }
  return accepted;
}

export function packSettlement(settlement: Settlement): SettlementCells {
  const { id, owner, now, to, dueAt, attempts, state, reason, attempt, emitted } = settlement;
  return [
    id,
    owner,
    now,
    stateCodes[to],
    dueAt ?? null,
    attempts,
    toText(state),
    reason ?? null,
    attempt?.number ?? null,
    attempt?.startedAt ?? 0,
    attempt?.durationMs ?? 0,
    attempt?.outcome ?? null,
    attempt?.code ?? null,
    attempt?.message ?? null,
    toText(attempt?.answer),
    emitted === undefined || emitted.length === 0 ? null : packAcceptances(emitted),
  ];
}

export function unpackClaim({ hook, nextDueAt, cells }: LaneAnswer): LaneClaim {
  const deliveries: ClaimedDelivery[] = [];
  for (let at = 0; at < cells.length; at += 5) {
    const state = toJson(cells[at + 3] as string | null);
    deliveries.push({
      id: cells[at] as number,
      attempt: cells[at + 1] as number,
      since: cells[at + 2] as number,
      events: [cells[at + 4] as string],
      ...(state === undefined ? {} : { state }),
    });
  }
  return { hook, deliveries, ...(nextDueAt === null ? {} : { nextDueAt }) };
}

/** JSON text, or null for what is absent; JSON's own null is the text `null`. */
export function toText(value: JsonValue | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function toJson(text: string | null): JsonValue | undefined {
  return text === null ? undefined : (JSON.parse(text) as JsonValue);
}
