import type { DatabaseSync } from "node:sqlite";
import type { Accept } from "./accept.ts";
import { prepareAttemptRows } from "./attempt-rows.ts";
import { type Cell, cellsOf, type Ids, type Operations, type SettleAsk } from "./calls.ts";
import { prepareForgetGathering } from "./gate-memory.ts";
import type { Ledger } from "./ledger.ts";
import { prepareFindUnsettled, preparePromote } from "./order-keys.ts";
import type { Owners } from "./owners.ts";
import { countAlike, prepareSettleAlike, type SettledRow } from "./settle-alike.ts";
import { isSettled, stateCodes } from "./states.ts";

const { waiting, running, blocked, cancelled, gathering } = stateCodes;

export function prepareSettle(
  db: DatabaseSync,
  { ledger, owners, accept }: { ledger: Ledger; owners: Owners; accept: Accept },
): (ask: SettleAsk) => number[] {
  // Of a delivery that goes on the state is kept where there is no new one, and the reason where nothing was tried; one that
  // is settled has what it is given.
  const settle = db.prepare(
    `UPDATE deliveries SET state = ?, attempts = ?, due = ?, owner = NULL, losses = ?,
       reason = CASE WHEN ? THEN reason ELSE ? END, resume = CASE WHEN ? THEN resume ELSE ? END
     WHERE id = ? AND owner = ? AND state = ${running} RETURNING id, hook, order_key`,
  );
  settle.setReturnArrays(true);
  const settleAlike = prepareSettleAlike(db);
  const attempts = prepareAttemptRows(db);
  const promote = preparePromote(db, ledger);

  function settleOne(cells: readonly Cell[], at: number, holder: number): boolean {
    // What stands where: see cellsOf.settlement.
    const id = cells[at] as number;
    const now = cells[at + 2] as number;
    const to = cells[at + 3] as number;
    const due = isSettled(to) ? now : ((cells[at + 4] as number | null) ?? now);
    const tried = cells[at + 5] as number;
    const resume = cells[at + 6] as string | null;
    const reason = cells[at + 7] as string | null;
    const losses = cells[at + 8] as number | null;
    const goesOn = !isSettled(to);
    const keepsReason = goesOn && reason === null && cells[at + 9] === null ? 1 : 0;
    const keepsResume = goesOn && resume === null ? 1 : 0;
    // setReturnArrays makes the row an array, which the types of node:sqlite do not know.
    const values = [to, tried, due, losses, keepsReason, reason, keepsResume, resume];
    const held = settle.get(...values, id, holder) as unknown as SettledRow | undefined;
    if (held !== undefined) note(held, cells, at);
    return held !== undefined;
  }

  /** What else changes with a delivery that was held. */
  function note([id, hook, key]: SettledRow, cells: readonly Cell[], at: number): void {
    const to = cells[at + 3] as number;
    ledger.tally(hook, running, -1);
    ledger.tally(hook, to, 1);
    if (cells[at + 9] !== null) attempts.add(id, cells.slice(at + 9, at + cellsOf.settlement));
    if (key !== null && isSettled(to)) promote(hook, key);
  }

  /** Those that are alike from this place on; answers which of them were held. */
  function settleSome(
    cells: readonly Cell[],
    from: number,
    count: number,
    holder: number,
  ): number[] {
    const rows = new Map(settleAlike(cells, from, { count, holder }).map((row) => [row[0], row]));
    const answer: number[] = [];
    for (let at = from; answer.length < count; at += cellsOf.settlement) {
      const id = cells[at] as number;
      const row = rows.get(id);
      if (row !== undefined) note(row, cells, at);
      // Whoever settles one twice holds it once.
      answer.push(rows.delete(id) ? 1 : 0);
    }
    return answer;
  }

  return ({ owners: names, cells, emitted }) => {
    const holders = names.map(owners.find);
    const answer: number[] = [];
    attempts.reset();
    for (let at = 0; at < cells.length; at = answer.length * cellsOf.settlement) {
      const holder = holders[cells[at + 1] as number];
      const count = countAlike(cells, at, (index) => emitted.has(index));
      if (holder === undefined) {
        answer.push(0);
      } else if (count > 1) {
        answer.push(...settleSome(cells, at, count, holder));
      } else {
        const isHeld = settleOne(cells, at, holder);
        const more = isHeld ? emitted.get(answer.length) : undefined;
        if (more !== undefined) accept(more);
        answer.push(isHeld ? 1 : 0);
      }
    }
    attempts.flush();
    return answer;
  };
}

export function prepareExtend(
  db: DatabaseSync,
  owners: Owners,
): (ask: Operations["extend"]["ask"]) => number[] {
  const extend = db.prepare(
    `UPDATE deliveries SET due = ? WHERE id = ? AND owner = ? AND state = ${running}`,
  );
  return ({ owner, ids, until }) => {
    const holder = owners.find(owner) === undefined ? undefined : owners.hold(owner, until);
    if (holder === undefined) return [];
    return ids.filter((id) => extend.run(until, id, holder).changes === 1);
  };
}

/** Replay and cancel: both change deliveries by id, whoever holds them. */
export function prepareOverrides(
  db: DatabaseSync,
  ledger: Ledger,
): { replay(ask: Ids): number[]; cancel(ask: Ids): number[] } {
  const find = db.prepare("SELECT hook, state, order_key, gate FROM deliveries WHERE id = ?");
  find.setReturnArrays(true);
  const again = db.prepare(
    "UPDATE deliveries SET state = ?, attempts = 0, due = ?, since = ?, reason = NULL, losses = NULL WHERE id = ?",
  );
  const end = db.prepare(
    `UPDATE deliveries SET state = ${cancelled}, due = ?, owner = NULL, resume = NULL, reason = NULL WHERE id = ?`,
  );
  const findUnsettled = prepareFindUnsettled(db);
  const promote = preparePromote(db, ledger);

  const forgetGathering = prepareForgetGathering(db, ledger);

  function read(
    id: number,
  ): [hook: number, state: number, key: string | null, gate: string | null] | undefined {
    // setReturnArrays makes the row an array, which the types of node:sqlite do not know.
    return find.get(id) as unknown as [number, number, string | null, string | null] | undefined;
  }

  return {
    replay: ({ ids, now }) =>
      ids.filter((id) => {
        const [hook, state, key] = read(id) ?? [];
        if (hook === undefined || state === undefined || key === undefined) return false;
        if (!isSettled(state)) return false;
        const to = key !== null && findUnsettled(hook, key) ? blocked : waiting;
        again.run(to, now, now, id);
        ledger.tally(hook, state, -1);
        ledger.tally(hook, to, 1);
        return true;
      }),
    cancel: ({ ids, now }) =>
      ids.filter((id) => {
        const [hook, state, key, gate] = read(id) ?? [];
        if (hook === undefined || state === undefined || key === undefined) return false;
        if (isSettled(state)) return false;
        if (state === gathering) forgetGathering(hook, gate ?? "", id);
        end.run(now, id);
        ledger.tally(hook, state, -1);
        ledger.tally(hook, cancelled, 1);
        if (key !== null && state <= running) promote(hook, key);
        return true;
      }),
  };
}
