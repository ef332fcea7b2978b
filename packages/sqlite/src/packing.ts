import type {
  Acceptance,
  Accepted,
  AcceptLease,
  ClaimedDelivery,
  GatePlace,
  JsonValue,
  LaneClaim,
  Routed,
  Settlement,
} from "@pipehooks/core";
import type { GateFacts, GateRelease, GateSpec } from "@pipehooks/core/gates";
import {
  type AcceptAsk,
  acceptedFlags,
  type Cell,
  cellsOf,
  type GatedAnswer,
  type LaneAnswer,
  type RouteAsk,
  type SettleAsk,
} from "./calls.ts";
import { stateCodes, toState } from "./states.ts";

export function packAcceptances(batch: readonly Acceptance[], lease?: AcceptLease): AcceptAsk {
  const cells: Cell[] = [];
  const specs = new Map<GateSpec, number>();
  for (const { event, deliveries, gates = [], at } of batch) {
    cells.push(event.source, event.id, event.type, event.pipeline ?? null);
    cells.push(at, event.body, deliveries.length, gates.length);
    packPlaces(cells, specs, { deliveries, gates });
  }
  return { cells, specs: [...specs.keys()], lease: lease ?? null };
}

export function packRouted(routed: readonly Routed[]): RouteAsk {
  const cells: Cell[] = [];
  const specs = new Map<GateSpec, number>();
  for (const { seq, deliveries, gates = [], at } of routed) {
    cells.push(seq, at, deliveries.length, gates.length);
    packPlaces(cells, specs, { deliveries, gates });
  }
  return { cells, specs: [...specs.keys()] };
}

function packPlaces(
  cells: Cell[],
  specs: Map<GateSpec, number>,
  { deliveries, gates }: Required<Pick<Acceptance, "deliveries" | "gates">>,
): void {
  for (const { hook, dueAt, orderKey } of deliveries) cells.push(hook, dueAt, orderKey ?? null);
  for (const { hook, spec, key, facts, orderKey } of gates ?? []) {
    // The specs of a hook's events are one and the same object.
    const known = specs.get(spec) ?? specs.size;
    specs.set(spec, known);
    cells.push(hook, known, key, packFacts(facts), orderKey ?? null);
  }
}

function packFacts(facts: GateFacts): string | null {
  const text = JSON.stringify(facts);
  return text === "{}" ? null : text;
}

export function unpackAccepted(cells: readonly number[]): Accepted[] {
  const accepted: Accepted[] = [];
  for (let at = 0; at < cells.length; ) {
    const first = cells[at] as number;
    const count = cells[at + 1] as number;
    const flags = cells[at + 2] as number;
    at += 3;
    const deliveries: number[] = [];
    for (let n = 0; n < count; n += 1) deliveries.push(first + n);
    const one: { -readonly [Key in keyof Accepted]: Accepted[Key] } = {
      duplicate: (flags & acceptedFlags.duplicate) !== 0,
      deliveries,
    };
    if ((flags & acceptedFlags.leased) !== 0) {
      const end = at + 1 + (cells[at] as number);
      one.leased = cells.slice(at + 1, end);
      at = end;
    }
    if ((flags & acceptedFlags.gates) !== 0) {
      const end = at + 1 + 2 * (cells[at] as number);
      one.gates = unpackPlaces(cells.slice(at + 1, end));
      at = end;
    }
    if ((flags & acceptedFlags.announced) !== 0) one.announced = true;
    accepted.push(one);
  }
  return accepted;
}

function unpackPlaces(cells: readonly number[]): GatePlace[] {
  const places: GatePlace[] = [];
  for (let at = 0; at < cells.length; at += 2) {
    places.push({ delivery: cells[at] ?? 0, state: toState(cells[at + 1] ?? 0) });
  }
  return places;
}

export function packSettlements(settlements: readonly Settlement[]): SettleAsk {
  const owners: string[] = [];
  const cells: Cell[] = [];
  const emitted = new Map<number, AcceptAsk>();
  for (let index = 0; index < settlements.length; index += 1) {
    const settlement = settlements[index] as Settlement;
    const { id, now, to, dueAt, attempts, state, reason, losses, attempt } = settlement;
    let owner = owners.indexOf(settlement.owner);
    if (owner < 0) owner = owners.push(settlement.owner) - 1;
    cells.push(id, owner, now, stateCodes[to], dueAt ?? null, attempts);
    cells.push(toText(state), reason ?? null, losses ?? null);
    if (attempt === undefined) cells.push(null, 0, 0, null, null, null, null);
    else {
      const { number, startedAt, durationMs, outcome, code, message, answer } = attempt;
      cells.push(number, startedAt, durationMs, outcome);
      cells.push(code ?? null, message ?? null, toText(answer));
    }
    if (settlement.emitted !== undefined && settlement.emitted.length > 0) {
      emitted.set(index, packAcceptances(settlement.emitted));
    }
  }
  return { owners, cells, emitted };
}

export function unpackClaim(answer: LaneAnswer): LaneClaim {
  const { hook, nextDueAt, nextGateAt, announced, cells, gated } = answer;
  const deliveries: ClaimedDelivery[] = [];
  let next = 0;
  for (let at = 0; at < cells.length; at += cellsOf.claimed) {
    const state = toJson(cells[at + 3] as string | null);
    const body = cells[at + 4] as string | null;
    const losses = cells[at + 5] as number | null;
    deliveries.push({
      id: cells[at] as number,
      attempt: cells[at + 1] as number,
      since: cells[at + 2] as number,
      ...(body === null ? unpackGated(gated[next]) : { events: [body] }),
      ...(state === undefined ? {} : { state }),
      ...(losses === null ? {} : { losses }),
      ...(cells[at + 6] === 1 ? { lost: true as const } : {}),
    });
    if (body === null) next += 1;
  }
  return {
    hook,
    deliveries,
    ...(nextDueAt === null ? {} : { nextDueAt }),
    ...(nextGateAt === null ? {} : { nextGateAt }),
    ...(announced ? { announced } : {}),
  };
}

const empty: GatedAnswer = { key: "", count: 0, events: [], restIds: [], release: null };

function unpackGated(answer = empty): Pick<ClaimedDelivery, "events" | "gate"> {
  const { key, count, events, restIds, release } = answer;
  return { events, gate: { key, count, restIds, release: toRelease(release) ?? replayed } };
}

/** What is said of a delivery that went on by hand. */
const replayed: GateRelease = { reason: "It was replayed past its gate." };

/** What a gate said of a release, as it was stored. */
export function toRelease(text: string | null): GateRelease | undefined {
  return text === null ? undefined : (JSON.parse(text) as GateRelease);
}

/** JSON text, or null for what is absent; JSON's own null is the text `null`. */
export function toText(value: JsonValue | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function toJson(text: string | null): JsonValue | undefined {
  return text === null ? undefined : (JSON.parse(text) as JsonValue);
}
