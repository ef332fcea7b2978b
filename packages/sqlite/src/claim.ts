import type { DatabaseSync } from "node:sqlite";
import type { ClaimLane, ClaimRequest } from "@pipehooks/core";
import type { Cell, GatedAnswer, LaneAnswer } from "./calls.ts";
import { StoreFault } from "./fault.ts";
import { prepareReadGated } from "./gated.ts";
import type { Gates } from "./gates.ts";
import type { Ledger } from "./ledger.ts";
import { prepareEndOfBlock } from "./memory.ts";
import type { Owners } from "./owners.ts";
import { stateCodes } from "./states.ts";

const { running } = stateCodes;

/** Where the lane does not say how many events a delivery carries whole: its gate was taken away meanwhile. */
const defaultMaxEvents = 1000;

const notAsked = { announced: false, nextAt: null };

export function prepareClaim(
  db: DatabaseSync,
  { ledger, owners, gates }: { ledger: Ledger; owners: Owners; gates: () => Gates },
): (request: ClaimRequest) => LaneAnswer[] {
  const due = db.prepare(
    `SELECT d.id, d.state, d.attempts + 1, coalesce(d.since, e.at), d.resume, e.body, d.gate, d.losses
     FROM deliveries d LEFT JOIN events e ON e.seq = d.event
     WHERE d.hook = ? AND d.state <= 4 AND d.due <= ? ORDER BY d.due, d.id LIMIT ?`,
  );
  due.setReturnArrays(true);
  const lease = db.prepare(
    `UPDATE deliveries SET state = ${running}, attempts = attempts + 1, due = ?, owner = ?, losses = ? WHERE id = ?`,
  );
  const earliest = prepareEarliest(db);
  const endOfBlock = prepareEndOfBlock(db);
  const readGated = prepareReadGated(db);

  function claimLane(
    hook: number,
    { limit, gate }: ClaimLane,
    request: ClaimRequest,
  ): Pick<LaneAnswer, "cells" | "gated"> {
    const cells: Cell[] = [];
    const gated: GatedAnswer[] = [];
    // setReturnArrays makes each row an array, which the types of node:sqlite do not know.
    const rows = due.all(hook, request.now, limit) as unknown as Cell[][];
    if (rows.length === 0) return { cells, gated };
    const until = request.now + request.leaseMs;
    const owner = owners.hold(request.owner, until);
    for (const [id, state, attempt, since, resume, body, key, before] of rows) {
      if (typeof body !== "string") throw missingEvent(Number(id));
      const isLost = state === running;
      const losses = isLost ? Number(before) + 1 : (before as number | null);
      lease.run(until, owner, losses, id as number);
      if (!isLost) {
        ledger.tally(hook, state as number, -1);
        ledger.tally(hook, running, 1);
      }
      cells.push(id as number, attempt as number, since as number, resume as string | null);
      cells.push(key === null ? body : null, losses, isLost ? 1 : 0);
      if (typeof key !== "string") continue;
      gated.push(readGated(id as number, key, gate?.maxEvents ?? defaultMaxEvents));
    }
    return { cells, gated };
  }

  function askGate({ hook: name, gate, seeds = [] }: ClaimLane, now: number) {
    const hook = seeds.length > 0 ? ledger.number(name) : ledger.find(name);
    if (gate === undefined || hook === undefined) return notAsked;
    if (gate === null) return gates().takeOut(hook, now);
    const asked = { hook, spec: gate, now };
    const seeded = gates().seed(asked, seeds);
    const { announced, nextAt } = gates().wake(asked);
    return { announced: seeded || announced, nextAt };
  }

  return (request) => {
    owners.releaseDead(request.now);
    return request.lanes.map((lane) => {
      const { announced, nextAt } = askGate(lane, request.now);
      const gate = { hook: lane.hook, nextGateAt: nextAt, announced };
      const hook = ledger.find(lane.hook);
      if (hook === undefined) return { ...gate, nextDueAt: null, cells: [], gated: [] };
      const blocked = endOfBlock(lane.keys);
      const claimed =
        blocked > request.now ? { cells: [], gated: [] } : claimLane(hook, lane, request);
      const next = earliest(hook);
      const nextDueAt = next === null || blocked <= request.now ? next : Math.max(next, blocked);
      return { ...gate, nextDueAt, ...claimed };
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
