import type { DatabaseSync } from "node:sqlite";
import type { EventRow, GateQuery, GateRow } from "@pipehooks/core";
import { damagedMemory, type KeptMemory, toGateMemory } from "./gate-memory.ts";
import type { Ledger } from "./ledger.ts";
import { tallies } from "./states.ts";

const defaultLimit = 100;

export interface GateQueries {
  /** @throws StoreFault STORE_CORRUPT for a memory that cannot be read */
  gates(query: GateQuery): GateRow[];
  unrouted(limit: number): EventRow[];
}

export function createGateQueries(db: DatabaseSync, ledger: Ledger): GateQueries {
  const columns = "id, hook, key, value, wake, keep, delivery, gathered";
  const one = db.prepare(`SELECT ${columns} FROM gates WHERE hook = ? AND key = ?`);
  const timers = db.prepare(
    `SELECT ${columns} FROM gates WHERE hook = ? AND wake > ? ORDER BY wake, id LIMIT ?`,
  );
  const others = db.prepare(
    `SELECT ${columns} FROM gates WHERE hook = ? AND wake IS NULL ORDER BY id LIMIT ?`,
  );
  const hooks = db.prepare(
    `SELECT hook FROM counters WHERE state = ${tallies.keys} AND count > 0 ORDER BY hook`,
  );
  const unrouted = db.prepare(
    `SELECT e.seq, e.at, e.body FROM unrouted u CROSS JOIN events e ON e.seq = u.event
     ORDER BY u.event LIMIT ?`,
  );

  function hooksOf({ hook }: GateQuery): number[] {
    if (hook === undefined) {
      ledger.flush();
      return hooks.all().map((row) => Number(row.hook));
    }
    const id = ledger.find(hook);
    return id === undefined ? [] : [id];
  }

  /** Each hook's first ones, so that no more is read than is wanted. */
  function select(query: GateQuery): KeptMemory[] {
    const { key, timersOnly = false, limit = defaultLimit } = query;
    const wanted = hooksOf(query);
    // The columns are those of KeptMemory.
    const rows = (found: unknown) => found as KeptMemory[];
    if (key !== undefined) {
      return wanted
        .flatMap((hook) => rows(one.all(hook, key)))
        .filter(({ wake }) => !timersOnly || wake !== null)
        .slice(0, limit);
    }
    const soonest = wanted
      .flatMap((hook) => rows(timers.all(hook, Number.MIN_SAFE_INTEGER, limit)))
      .sort((a, b) => Number(a.wake) - Number(b.wake))
      .slice(0, limit);
    const room = timersOnly ? 0 : limit - soonest.length;
    const rest = wanted.flatMap((hook) => (room > 0 ? rows(others.all(hook, room)) : []));
    return [...soonest, ...rest.sort((a, b) => a.id - b.id).slice(0, room)];
  }

  return {
    gates: (query) => select(query).map((memory) => toGateRow(memory, ledger)),
    unrouted: (limit) =>
      unrouted.all(limit).map(({ seq, at, body }) => ({
        seq: Number(seq),
        acceptedAt: Number(at),
        body: String(body),
      })),
  };
}

function toGateRow(memory: KeptMemory, ledger: Ledger): GateRow {
  const hook = ledger.name(memory.hook);
  const { key, delivery } = memory;
  try {
    return { hook, key, ...toGateMemory(memory), ...(delivery === null ? {} : { delivery }) };
  } catch (error) {
    throw damagedMemory(hook, key, error);
  }
}
