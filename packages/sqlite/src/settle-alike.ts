import type { DatabaseSync } from "node:sqlite";
import { type Cell, cellsOf } from "./calls.ts";
import { bySize, fitting, mostAtOnce } from "./rows.ts";
import { isSettled, stateCodes } from "./states.ts";

/** A delivery that was held, as its row says. */
export type SettledRow = readonly [id: number, hook: number, orderKey: string | null];

/**
 * Settles deliveries by one statement that end alike, as most do: delivered, by the same attempt of theirs, in the same
 * millisecond, with nothing to say.
 * @returns those that were held
 */
export type SettleAlike = (
  cells: readonly Cell[],
  from: number,
  { count, holder }: { readonly count: number; readonly holder: number },
) => readonly SettledRow[];

export function prepareSettleAlike(db: DatabaseSync): SettleAlike {
  const statementFor = bySize((count) => {
    const ids = new Array(count).fill("?").join(", ");
    const statement = db.prepare(
      `UPDATE deliveries SET state = ?, attempts = ?, due = ?, owner = NULL, reason = NULL, resume = NULL
       WHERE owner = ? AND state = ${stateCodes.running} AND id IN (${ids}) RETURNING id, hook, order_key`,
    );
    statement.setReturnArrays(true);
    return statement;
  });

  return (cells, from, { count, holder }) => {
    const ids: Cell[] = [];
    for (let n = 0; n < count; n += 1) ids.push(cells[from + n * cellsOf.settlement] as number);
    const [now, to, , attempts] = cells.slice(from + 2, from + 6) as [Cell, Cell, Cell, Cell];
    // setReturnArrays makes rows arrays, which the types of node:sqlite do not know.
    return statementFor(count).all(to, attempts, now, holder, ...ids) as unknown as SettledRow[];
  };
}

/** How many from this place on end alike, of as many as there is a statement for; none where the first has more to say. */
export function countAlike(
  cells: readonly Cell[],
  from: number,
  emitsAt: (index: number) => boolean,
): number {
  let count = 0;
  for (let at = from; at < cells.length && count < mostAtOnce; at += cellsOf.settlement) {
    const isPlain =
      cells[at + 6] === null && cells[at + 7] === null && isSettled(cells[at + 3] as number);
    if (!isPlain || emitsAt(at / cellsOf.settlement) || !isAlike(cells, from, at)) break;
    count += 1;
  }
  return fitting(count);
}

/** Owner, now, state and attempts: what is settled is due at no other time. */
const compared = [1, 2, 3, 5] as const;

function isAlike(cells: readonly Cell[], one: number, other: number): boolean {
  return compared.every((cell) => cells[one + cell] === cells[other + cell]);
}
