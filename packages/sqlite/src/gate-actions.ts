import type { DatabaseSync } from "node:sqlite";
import {
  createGateEvent,
  type GateAction,
  type GateRelease,
  type GateSpec,
} from "@pipehooks/core/gates";
import { packId } from "./event-id.ts";
import type { Ledger } from "./ledger.ts";
import { prepareFindUnsettled } from "./order-keys.ts";
import { stateCodes } from "./states.ts";

const { gathering, waiting, blocked, skipped, dead } = stateCodes;

/** One step of a gate while its actions are being done. */
export interface Turn {
  readonly hook: number;
  readonly spec: GateSpec;
  readonly key: string;
  readonly now: number;
  /** The event that came; null when a timer did. */
  readonly event: number | null;
  readonly orderKey: string | null;
  /** The delivery that is gathering, and how many events it has. */
  delivery: number | null;
  gathered: number;
  /** Where the event is: its delivery and the state of that. */
  place: { readonly delivery: number; readonly state: number };
  announced: boolean;
}

/** The same of a hook that has no gate any more. */
export type Ungated = Omit<Turn, "spec">;

export const nowhere = { delivery: 0, state: 0 };

export interface GateActions {
  /** Does what a gate said, in this order. */
  run(turn: Turn, actions: readonly GateAction[]): void;
  /** Makes what is gathered due, if anything is. */
  release(turn: Ungated, why: GateRelease): void;
  /** Makes what is gathered a dead letter. */
  bury(turn: Turn, reason: string): void;
  /** Makes a dead letter of one event. */
  buryEvent(turn: Turn, event: number, reason: string): void;
}

export function prepareGateActions(db: DatabaseSync, ledger: Ledger): GateActions {
  const addDelivery = db.prepare(
    "INSERT INTO deliveries (id, event, hook, state, attempts, due, order_key, since, reason, gate) " +
      "VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
  );
  const addMember = db.prepare("INSERT INTO members (delivery, event) VALUES (?, ?)");
  const addGated = db.prepare("INSERT INTO gated (delivery, count, release) VALUES (?, ?, ?)");
  const move = db.prepare("UPDATE members SET delivery = ? WHERE delivery = ? AND event <= ?");
  const firstBehind = db.prepare(
    "SELECT min(event) AS event FROM members WHERE delivery = ? AND event > ?",
  );
  const find = db.prepare("SELECT event, order_key FROM deliveries WHERE id = ?");
  const setFirst = db.prepare("UPDATE deliveries SET event = ? WHERE id = ?");
  const release = db.prepare("UPDATE deliveries SET state = ?, due = ?, since = ? WHERE id = ?");
  const settle = db.prepare("UPDATE deliveries SET state = ?, due = ?, reason = ? WHERE id = ?");
  const addEvent = db.prepare(
    "INSERT INTO events (seq, id, source, type, pipeline, at, first, count, body) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
  );
  const firstOrderKey = db.prepare(
    `SELECT d.order_key FROM members m CROSS JOIN deliveries d ON d.id = m.delivery
     WHERE m.event = ? AND d.hook = ? ORDER BY m.delivery LIMIT 1`,
  );
  const addUnrouted = db.prepare("INSERT INTO unrouted (event) VALUES (?)");
  const findUnsettled = prepareFindUnsettled(db);
  const { sequences } = ledger;

  function make(
    { hook, key, now }: Turn,
    made: { event: number; state: number; orderKey: string | null; reason: string | null },
  ): number {
    sequences.delivery += 1;
    const id = sequences.delivery;
    const { event, state, orderKey, reason } = made;
    addDelivery.run(
      id,
      event,
      hook,
      state,
      now,
      orderKey,
      state === waiting || state === blocked ? now : null,
      reason,
      key,
    );
    ledger.tally(hook, state, 1);
    return id;
  }

  function makeSettled(turn: Turn, event: number, to: { state: number; reason: string }): number {
    const orderKey = event === turn.event ? turn.orderKey : null;
    const id = make(turn, { event, orderKey, ...to });
    addMember.run(id, event);
    return id;
  }

  function makeDue(
    turn: Turn,
    event: number,
    { orderKey, release }: { orderKey: string | null; release: GateRelease },
  ): void {
    const state = stateWith(turn.hook, orderKey);
    const id = make(turn, { event, state, orderKey, reason: null });
    addMember.run(id, event);
    addGated.run(id, 1, JSON.stringify(release));
  }

  /** Of what becomes due: whether it has its turn. */
  function stateWith(hook: number, orderKey: string | null): number {
    return orderKey !== null && findUnsettled(hook, orderKey) ? blocked : waiting;
  }

  /** What is gathered is no longer: it goes on, or ends. */
  function leave(turn: Ungated, id: number, state: number): void {
    ledger.tally(turn.hook, gathering, -1);
    ledger.tally(turn.hook, state, 1);
    if (turn.place.delivery === id) turn.place = { delivery: id, state };
    turn.delivery = null;
    turn.gathered = 0;
  }

  function hold(turn: Turn, event: number): void {
    const { orderKey } = turn;
    turn.delivery ??= make(turn, { event, state: gathering, orderKey, reason: null });
    addMember.run(turn.delivery, event);
    turn.gathered += 1;
    turn.place = { delivery: turn.delivery, state: gathering };
  }

  function releaseAll(turn: Ungated, why: GateRelease): void {
    const id = turn.delivery;
    if (id === null) return;
    const orderKey = find.get(id)?.order_key as string | null;
    const state = stateWith(turn.hook, orderKey);
    release.run(state, turn.now, turn.now, id);
    addGated.run(id, turn.gathered, JSON.stringify(why));
    leave(turn, id, state);
  }

  function end(turn: Turn, state: number, reason: string): void {
    const id = turn.delivery;
    if (id === null) return;
    settle.run(state, turn.now, reason, id);
    if (turn.gathered > 1) addGated.run(id, turn.gathered, null);
    leave(turn, id, state);
  }

  function expire(turn: Turn, through: number, reason: string): void {
    const from = turn.delivery;
    if (from === null) return;
    const { delivery: before } = turn.place;
    const rest = firstBehind.get(from, through)?.event as number | null;
    // Nothing stays behind: the delivery itself is what leaves.
    if (rest === null) {
      end(turn, skipped, reason);
      return;
    }
    const event = Number(find.get(from)?.event);
    if (event > through) return;
    const id = make(turn, { event, state: skipped, orderKey: null, reason });
    const count = Number(move.run(id, from, through).changes);
    if (count > 1) addGated.run(id, count, null);
    setFirst.run(rest, from);
    turn.gathered -= count;
    if (before === from && turn.event !== null && turn.event <= through) {
      turn.place = { delivery: id, state: skipped };
    }
  }

  /** It goes behind what the event came with the first time. */
  function again(turn: Turn, ref: number, why: GateRelease): void {
    const orderKey = (firstOrderKey.get(ref, turn.hook)?.order_key ?? null) as string | null;
    makeDue(turn, ref, { orderKey, release: why });
  }

  function announce(turn: Turn, action: GateAction & { type: "announce" }): void {
    const { spec, key, now } = turn;
    const event = createGateEvent(spec, key, action.event, now);
    sequences.event += 1;
    sequences.events += 1;
    const seq = sequences.event;
    addEvent.run(
      seq,
      packId(event.id),
      ledger.number(event.source),
      ledger.number(event.type),
      event.pipeline === undefined ? null : ledger.number(event.pipeline),
      now,
      sequences.delivery + 1,
      event.body,
    );
    addUnrouted.run(seq);
    turn.announced = true;
    if (action.release === undefined) return;
    makeDue(turn, seq, { orderKey: null, release: action.release });
  }

  function refuse(turn: Turn, event: number, to: { state: number; reason: string }): void {
    const delivery = makeSettled(turn, event, to);
    turn.place = { delivery, state: to.state };
  }

  function runOne(turn: Turn, action: GateAction): void {
    const { event } = turn;
    switch (action.type) {
      case "hold":
        if (event !== null) hold(turn, event);
        break;
      case "skip":
        if (event !== null) refuse(turn, event, { state: skipped, reason: action.reason });
        break;
      case "dead":
        if (event !== null) refuse(turn, event, { state: dead, reason: action.reason });
        break;
      case "release":
        releaseAll(turn, action.release);
        break;
      case "drop":
        end(turn, skipped, action.reason);
        break;
      case "expire":
        expire(turn, action.through, action.reason);
        break;
      case "again":
        again(turn, action.ref, action.release);
        break;
      case "announce":
        announce(turn, action);
    }
  }

  return {
    run(turn, actions) {
      for (const action of actions) runOne(turn, action);
    },
    release: releaseAll,
    bury: (turn, reason) => end(turn, dead, reason),
    buryEvent(turn, event, reason) {
      makeSettled(turn, event, { state: dead, reason });
    },
  };
}
