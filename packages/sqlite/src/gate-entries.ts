import type { GateFacts, GateSpec } from "@pipehooks/core/gates";
import { type Cell, cellsOf } from "./calls.ts";
import type { Gates } from "./gates.ts";
import type { Ledger } from "./ledger.ts";

/** What became of one event at its gates: delivery and state, two numbers a gate. */
export interface EntryPlaces {
  readonly places: readonly number[];
  readonly announced: boolean;
}

/** Brings an event to the gates that are packed behind it. */
export function passEntries(
  gates: Gates,
  ledger: Ledger,
  packed: {
    readonly cells: readonly Cell[];
    readonly at: number;
    readonly entries: number;
    readonly specs: readonly GateSpec[];
    readonly event: number;
    readonly now: number;
  },
): EntryPlaces {
  const { cells, entries, specs, event, now } = packed;
  const places: number[] = [];
  let announced = false;
  let at = packed.at;
  for (let n = 0; n < entries; n += 1, at += cellsOf.entry) {
    const facts = cells[at + 3] as string | null;
    const passed = gates.pass({
      hook: ledger.number(cells[at] as string),
      // Packed from the same list.
      spec: specs[cells[at + 1] as number] as GateSpec,
      key: cells[at + 2] as string,
      facts: facts === null ? {} : (JSON.parse(facts) as GateFacts),
      orderKey: cells[at + 4] as string | null,
      event,
      now,
    });
    places.push(passed.delivery, passed.state);
    announced ||= passed.announced;
  }
  return { places, announced };
}
