import {
  type DeliveryRow,
  type DeliveryState,
  type Pipehooks,
  toDeliveryId,
} from "@pipehooks/core";
import type { Context, Option } from "./command.ts";
import { deliveryTable } from "./commands/deliveries.ts";
import { sayIfUnknown } from "./hook-names.ts";
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

/** What a command does, and to which deliveries. */
interface Deed {
  /** As in "Name what to replay". */
  readonly verb: string;
  /** As in "2 deliveries would be replayed". */
  readonly done: string;
  /** States in which it can be done. */
  readonly states: readonly DeliveryState[];
  /** Those meant without ids and `--state`. */
  readonly unlessSaid: { readonly states: readonly DeliveryState[]; readonly text: string };
  /** What is wrong with other states, behind "What is … ". */
  readonly otherwise: string;
  /** What is said of an id of which nothing can be taken. */
  readonly nothing: string;
}

/** How a command finds out which deliveries it is for. */
export interface Selection {
  /** The options of {@link Filters}. */
  readonly options: readonly Option[];
  /** @throws UsageError where neither ids nor filters are given */
  check(ids: readonly string[], filters: Filters): void;
  /**
   * The deliveries that are meant, each once; `missed` where an id stands for none of them. That is said, and so is where there
   * are none of a hook that is not configured.
   */
  find(
    context: Context,
    bus: Pipehooks,
    ids: readonly string[],
    filters: Filters,
  ): Promise<{ readonly rows: readonly DeliveryRow[]; readonly missed: boolean }>;
  /** Shows what would be done to these. */
  list(context: Context, rows: readonly DeliveryRow[]): void;
}

export function createSelection({
  verb,
  done,
  states: possible,
  unlessSaid,
  otherwise,
  nothing,
}: Deed): Selection {
  const parse = (text: string): readonly DeliveryState[] => {
    const wanted = parseStates(text);
    const wrong = wanted.filter((state) => !possible.includes(state));
    if (wrong.length === 0) return wanted;
    throw new UsageError(
      `What is ${wrong.join(" or ")} ${otherwise}. States: ${possible.join(", ")}.`,
    );
  };

  return {
    options: [
      {
        flags: "--state <state...>",
        description: `${possible.slice(0, -1).join(", ")} or ${possible.at(-1)} (default: ${unlessSaid.text})`,
        parse,
      },
      { flags: "--hook <name>", description: "only of this hook" },
      {
        flags: "--since <time>",
        description: "only accepted since: 2h (ago), or a date (UTC)",
        parse: parsePointInTime,
      },
      { flags: "--until <time>", description: "only accepted before", parse: parsePointInTime },
    ],
    check(ids, { state, hook, since, until }) {
      const filters = [state, hook, since, until].filter((value) => value !== undefined);
      if (ids.length === 0 && filters.length === 0) {
        throw new UsageError(`Name what to ${verb}: ids, or --state, --hook, --since, --until.`);
      }
    },
    async find(context, bus, ids, { state, hook, since, until }) {
      const { output } = context;
      // An id of an event may stand for what another one names.
      const rows = new Map<number, DeliveryRow>();
      let missed = false;
      if (ids.length === 0) {
        const states = state?.flat() ?? unlessSaid.states;
        const query = { states, hook, since, until, oldestFirst: true };
        for await (const row of allDeliveries(bus.store, query)) rows.set(row.id, row);
      }
      const states = state?.flat() ?? possible;
      for (const { id, known, deliveries } of await findNamed(bus.store, ids)) {
        const fitting = deliveries.filter(
          (row) =>
            states.includes(row.state) &&
            (hook === undefined || row.hook === hook) &&
            (since === undefined || row.acceptedAt >= since) &&
            (until === undefined || row.acceptedAt < until),
        );
        for (const row of fitting) rows.set(row.id, row);
        if (fitting.length > 0) continue;
        missed = true;
        output.error(
          known
            ? `${printable(id)}: ${nothing} (${stateText(deliveries)}).`
            : `${printable(id)}: there is no such delivery or event.`,
        );
      }
      if (rows.size === 0) sayIfUnknown(context, bus, hook);
      return { rows: [...rows.values()], missed };
    },
    list({ output }, rows) {
      if (output.json) for (const row of rows) output.object(deliveryJson(row));
      else if (rows.length > 0) output.data(...deliveryTable(output, rows));
      output.say(`${plural(rows.length, "delivery", "deliveries")} would be ${done}.`);
    },
  };
}

function stateText(rows: readonly DeliveryRow[]): string {
  if (rows.length === 0) return "it reached no hook";
  return rows.map(({ id, state }) => `${toDeliveryId(id)} is ${state}`).join(", ");
}
