import type { DatabaseSync } from "node:sqlite";
import type { Cell } from "./calls.ts";
import type { Ledger } from "./ledger.ts";
import { prepareFindUnsettled } from "./order-keys.ts";
import { prepareRows } from "./rows.ts";
import { stateCodes } from "./states.ts";

const { waiting, blocked, running } = stateCodes;

/** A delivery as it came with its event. */
export interface WantedDelivery {
  readonly hook: string;
  readonly due: number;
  readonly key: string | null;
}

export interface NewRow extends WantedDelivery {
  readonly id: number;
  readonly event: number;
}

/** Who leases deliveries as they are accepted. */
export interface Lease {
  readonly until: number;
  takes(delivery: WantedDelivery, at: number): boolean;
  readonly holder: () => number;
}

/** Reads the delivery that is packed at a place of the cells. */
export function readDelivery(cells: readonly Cell[], at: number): WantedDelivery {
  return {
    hook: cells[at] as string,
    due: cells[at + 1] as number,
    key: cells[at + 2] as string | null,
  };
}

/** Adds deliveries, several by one statement: what was added is in the table after `flush`. */
export interface Deliveries {
  begin(): void;
  add(row: NewRow): void;
  addLeased(row: NewRow, lease: Lease): void;
  flush(): void;
}

export function prepareDeliveries(db: DatabaseSync, ledger: Ledger): Deliveries {
  const columns = "id event hook state attempts due owner order_key".split(" ");
  const rows = prepareRows(db, "deliveries", columns);
  const findUnsettled = prepareFindUnsettled(db);

  return {
    // What a transaction added that was rolled back.
    begin: rows.reset,
    add({ id, event, hook, due, key }) {
      const number = ledger.number(hook);
      if (key !== null) rows.flush();
      const state = key !== null && findUnsettled(number, key) ? blocked : waiting;
      rows.add(id, event, number, state, 0, due, null, key);
      ledger.tally(number, state, 1);
    },
    addLeased({ id, event, hook, key }, { until, holder }) {
      const number = ledger.number(hook);
      rows.add(id, event, number, running, 1, until, holder(), key);
      ledger.tally(number, running, 1);
    },
    flush: rows.flush,
  };
}
