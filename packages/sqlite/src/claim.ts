import type { DatabaseSync } from "node:sqlite";
import type { ClaimRequest } from "@pipehooks/core";
import type { Cell, LaneAnswer } from "./calls.ts";
import { StoreFault } from "./fault.ts";
import type { Ledger } from "./ledger.ts";
import type { Owners } from "./owners.ts";
import { stateCodes } from "./states.ts";

const { running } = stateCodes;

export function prepareClaim(
  db: DatabaseSync,
  ledger: Ledger,
  owners: Owners,
): (request: ClaimRequest) => LaneAnswer[] {
  const due = db.prepare(
    `SELECT d.id, d.state, d.attempts + 1, coalesce(d.since, e.at), d.resume, e.body
     FROM deliveries d LEFT JOIN events e ON e.seq = d.event
     WHERE d.hook = ? AND d.state <= 4 AND d.due <= ? ORDER BY d.due, d.id LIMIT ?`,
  );
  due.setReturnArrays(true);
  const lease = db.prepare(
    `UPDATE deliveries SET state = ${running}, attempts = attempts + 1, due = ?, owner = ? WHERE id = ?`,
  );
  const earliest = prepareEarliest(db);
  const blockedUntil = db.prepare("SELECT blocked_until FROM memory WHERE key = ?");

  function endOfBlock(keys: readonly string[], now: number): number {
    return keys.reduce(
      (end, key) => Math.max(end, Number(blockedUntil.get(key)?.blocked_until ?? 0)),
      now,
    );
  }

  function claimLane(hook: number, limit: number, request: ClaimRequest): Cell[] {
    // setReturnArrays makes each row an array, which the types of node:sqlite do not know.
    const rows = due.all(hook, request.now, limit) as unknown as Cell[][];
    if (rows.length === 0) return [];
    const until = request.now + request.leaseMs;
    const owner = owners.hold(request.owner, until);
    const cells: Cell[] = [];
    for (const [id, state, attempt, since, resume, body] of rows) {
      if (typeof body !== "string") throw missingEvent(Number(id));
      lease.run(until, owner, id as number);
      if (state !== running) ledger.tally(hook, state as number, -1);
      if (state !== running) ledger.tally(hook, running, 1);
      cells.push(id as number, attempt as number, since as number, resume as string | null, body);
    }
    return cells;
  }

  return (request) => {
    owners.releaseDead(request.now);
    return request.lanes.map((lane) => {
      const hook = ledger.find(lane.hook);
      if (hook === undefined) return { hook: lane.hook, nextDueAt: null, cells: [] };
      const free = endOfBlock(lane.keys, request.now);
      const cells = free > request.now ? [] : claimLane(hook, lane.limit, request);
      const next = earliest(hook);
      const nextDueAt = next === null || free === request.now ? next : Math.max(next, free);
      return { hook: lane.hook, nextDueAt, cells };
    });
  };
}

/** When a hook has something due, or a lease that ends. */
export function prepareEarliest(db: DatabaseSync): (hook: number) => number | null {
  const earliest = db.prepare(
    "SELECT min(due) AS due FROM deliveries WHERE hook = ? AND state <= 4",
  );
  return (hook) => (earliest.get(hook)?.due ?? null) as number | null;
}

function missingEvent(id: number): StoreFault {
  return new StoreFault(
    "STORE_CORRUPT",
    `sqlite: the event of delivery ${id} is missing. Cancel the delivery, or recover the file from a copy.`,
  );
}
