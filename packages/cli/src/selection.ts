import { type DeliveryRow, type DeliveryState, type Store, toDeliveryId } from "@pipehooks/core";
import type { Context, Option } from "./command.ts";
import { deliveryTable } from "./commands/deliveries.ts";
import { allDeliveries, deliveryJson, findNamed, parseStates } from "./ids.ts";
import { plural, printable } from "./text.ts";
import { parsePointInTime } from "./time.ts";
import { UsageError } from "./usage-error.ts";

/** Which deliveries a command is for, besides their ids. */
export interface Filters {
  readonly state?: readonly (readonly DeliveryState[])[];
  readonly hook?: string;
  readonly since?: number;
  readonly until?: number;
}

/** What a command can be done to. */
export interface Selectable {
  /** States in which it can be done. */
  readonly states: readonly DeliveryState[];
  /** Without ids and `--state`. */
  readonly unlessSaid: readonly DeliveryState[];
  /** What is wrong with other states, behind "What is … ". */
  readonly otherwise: string;
  /** What is said of an id of which nothing can be taken. */
  readonly nothing: string;
}

/** The options of {@link Filters}; `unlessSaid` is the default state in words. */
export function filterOptions(
  { states, otherwise }: Selectable,
  unlessSaid: string,
): readonly Option[] {
  const parse = (text: string): readonly DeliveryState[] => {
    const wanted = parseStates(text);
    const wrong = wanted.filter((state) => !states.includes(state));
    if (wrong.length === 0) return wanted;
    throw new UsageError(
      `What is ${wrong.join(" or ")} ${otherwise}. States: ${states.join(", ")}.`,
    );
  };
  return [
    {
      flags: "--state <state...>",
      description: `${states.slice(0, -1).join(", ")} or ${states.at(-1)} (default: ${unlessSaid})`,
      parse,
    },
    { flags: "--hook <name>", description: "only of this hook" },
    {
      flags: "--since <time>",
      description: "only accepted since: 2h (ago), or a date",
      parse: parsePointInTime,
    },
    { flags: "--until <time>", description: "only accepted before", parse: parsePointInTime },
  ];
}

/** @throws UsageError where neither ids nor filters are given */
export function checkSelection(
  ids: readonly string[],
  { state, hook, since, until }: Filters,
  verb: string,
): void {
  const filters = [state, hook, since, until].filter((value) => value !== undefined);
  if (ids.length === 0 && filters.length === 0) {
    throw new UsageError(`Name what to ${verb}: ids, or --state, --hook, --since, --until.`);
  }
}

/** The deliveries that are meant, oldest first; `missed` where an id stands for none of them, which is said. */
export async function selectDeliveries(
  { output }: Context,
  store: Store,
  ids: readonly string[],
  { state, hook, since, until }: Filters,
  { states: possible, unlessSaid, nothing }: Selectable,
): Promise<{ readonly rows: readonly DeliveryRow[]; readonly missed: boolean }> {
  const rows: DeliveryRow[] = [];
  if (ids.length === 0) {
    const states = state?.flat() ?? unlessSaid;
    const query = { states, hook, since, until, oldestFirst: true };
    for await (const row of allDeliveries(store, query)) rows.push(row);
    return { rows, missed: false };
  }
  const states = state?.flat() ?? possible;
  let missed = false;
  for (const { id, known, deliveries } of await findNamed(store, ids)) {
    const fitting = deliveries.filter(
      (row) =>
        states.includes(row.state) &&
        (hook === undefined || row.hook === hook) &&
        (since === undefined || row.acceptedAt >= since) &&
        (until === undefined || row.acceptedAt < until),
    );
    rows.push(...fitting);
    if (fitting.length > 0) continue;
    missed = true;
    output.error(
      known
        ? `${printable(id)}: ${nothing} (${stateText(deliveries)}).`
        : `${printable(id)}: there is no such delivery or event.`,
    );
  }
  return { rows, missed };
}

/** Shows what would be done to these. */
export function listSelected(
  { output }: Context,
  rows: readonly DeliveryRow[],
  done: "replayed" | "cancelled",
): void {
  if (output.json) for (const row of rows) output.object(deliveryJson(row));
  else if (rows.length > 0) output.data(...deliveryTable(output, rows));
  output.say(`${plural(rows.length, "delivery", "deliveries")} would be ${done}.`);
}

function stateText(rows: readonly DeliveryRow[]): string {
  if (rows.length === 0) return "it reached no hook";
  return rows.map(({ id, state }) => `${toDeliveryId(id)} is ${state}`).join(", ");
}
