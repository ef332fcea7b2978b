import {
  compilePatterns,
  type DeliveryRow,
  type DeliveryState,
  toDeliveryId,
} from "@pipehooks/core";
import { outcomeText } from "../attempts.ts";
import { type Context, defineCommand } from "../command.ts";
import { createFindHold, type FindHold, type HeldBack } from "../held-back.ts";
import { sayIfUnknown } from "../hook-names.ts";
import { allDeliveries, deliveryJson, parseStates } from "../ids.ts";
import { withBus } from "../open.ts";
import { parseCount } from "../parse.ts";
import { formatTable } from "../table.ts";
import { iso, parsePointInTime, relative } from "../time.ts";

interface Options {
  readonly state?: readonly (readonly DeliveryState[])[];
  readonly hook?: string;
  readonly type?: string;
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
}

const defaultLimit = 50;

export const deliveries = defineCommand<Options>({
  name: "deliveries",
  summary: "list deliveries, newest first",
  options: [
    {
      flags: "--state <state...>",
      description:
        "waiting, blocked, running, retrying, pending, delivered, skipped, dead or cancelled; several with commas",
      parse: parseStates,
    },
    { flags: "--hook <name>", description: "of this hook" },
    { flags: "--type <glob>", description: "of events of this type" },
    {
      flags: "--since <time>",
      description: "accepted since: 2h (ago), or a date (UTC)",
      parse: parsePointInTime,
    },
    { flags: "--until <time>", description: "accepted before", parse: parsePointInTime },
    {
      flags: "--limit <number>",
      description: `at most so many (default: ${defaultLimit})`,
      parse: parseCount,
    },
  ],
  run: (context, { options }) =>
    withBus(context, {}, async (bus) => {
      const { state, hook, type, since, until, limit = defaultLimit } = options;
      const query = { hook, since, until, states: state?.flat() };
      const fitsType = type === undefined ? undefined : compilePatterns([type]);
      const step = fitsType === undefined ? Math.min(limit, 1000) : 1000;
      const found: DeliveryRow[] = [];
      for await (const row of allDeliveries(bus.store, query, step)) {
        if (fitsType?.(row.eventType) === false) continue;
        found.push(row);
        if (found.length >= limit || context.output.gone.aborted) break;
      }
      if (found.length === 0) sayIfUnknown(context, bus, hook);
      print(context, found, createFindHold(await bus.health()));
      return 0;
    }),
});

function print({ output }: Context, rows: readonly DeliveryRow[], findHold: FindHold): void {
  if (output.json) {
    for (const row of rows)
      output.object({ ...deliveryJson(row), heldBack: holdJson(findHold(row)) });
    return;
  }
  if (rows.length === 0) output.say("No deliveries.");
  else output.data(...deliveryTable(output, rows, findHold));
}

function holdJson(hold: HeldBack | undefined): object | undefined {
  return hold && { because: hold.because, until: iso(hold.until) };
}

export function deliveryTable(
  { colors, width }: Context["output"],
  rows: readonly DeliveryRow[],
  findHold: FindHold = () => undefined,
): readonly string[] {
  const now = Date.now();
  return formatTable(
    rows,
    [
      {
        title: "ACCEPTED",
        value: ({ acceptedAt }) => relative(acceptedAt, now),
        paint: colors.dim,
      },
      { title: "ID", value: ({ id }) => toDeliveryId(id) },
      { title: "HOOK", value: ({ hook }) => hook, shrinksTo: 10 },
      { title: "STATE", value: ({ state }) => state, paint: (text) => outcomeText(text, colors) },
      { title: "EVENT TYPE", value: ({ eventType }) => eventType, shrinksTo: 12 },
      { title: "EVENT", value: ({ eventId }) => eventId, shrinksTo: 13 },
      { title: "TRIES", value: ({ attempts }) => String(attempts) },
      { title: "NEXT", value: (row) => nextOf(row, findHold(row), now) },
      {
        title: "REASON",
        value: (row) => findHold(row)?.because ?? row.reason ?? "",
        shrinksTo: 12,
      },
    ],
    { width, title: colors.bold },
  );
}

// A lease's end is no time at which anything happens to a running delivery.
function nextOf({ state, dueAt }: DeliveryRow, hold: HeldBack | undefined, now: number): string {
  if (hold !== undefined) return hold.until === undefined ? "" : relative(hold.until, now);
  if (dueAt === undefined || state === "running") return "";
  return dueAt <= now ? "due" : relative(dueAt, now);
}
