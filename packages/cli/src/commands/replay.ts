import {
  type DeliveryRow,
  type DeliveryState,
  type Pipehooks,
  parseRate,
  settledStates,
  toDeliveryId,
} from "@pipehooks/core";
import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { allDeliveries, deliveryJson, findNamed, parseStates } from "../ids.ts";
import { withBus } from "../open.ts";
import { showProgress } from "../progress.ts";
import type { Comparison } from "../route-test/compare-command.ts";
import { listenForStop, type Stopping } from "../stopping.ts";
import { plural, printable } from "../text.ts";
import { parsePointInTime } from "../time.ts";
import { UsageError } from "../usage-error.ts";
import { waitForDeliveries } from "../wait.ts";
import { deliveryTable } from "./deliveries.ts";

interface Options {
  readonly state?: readonly (readonly DeliveryState[])[];
  readonly hook?: string;
  readonly since?: number;
  readonly until?: number;
  readonly dryRun?: boolean;
  readonly rate?: Rate;
  readonly wait?: boolean;
  readonly store?: string;
}

interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

/** Made due in one transaction where no rate is asked for. */
const idsPerStep = 1000;

export const replay = defineCommand<Options>({
  name: "replay",
  summary: "make settled deliveries due again, with a fresh budget of attempts",
  operands: [
    { name: "[id...]", description: "deliveries (dlv_42), or events: all their deliveries" },
  ],
  options: [
    {
      flags: "--state <state...>",
      description: "delivered, skipped, dead or cancelled (default without ids: dead)",
      parse: parseSettledStates,
    },
    { flags: "--hook <name>", description: "only of this hook" },
    {
      flags: "--since <time>",
      description: "only accepted since: 2h (ago), or a date",
      parse: parsePointInTime,
    },
    { flags: "--until <time>", description: "only accepted before", parse: parsePointInTime },
    {
      flags: "--dry-run",
      description:
        "list what would be replayed, and change nothing; with --config and --since: compare, see below",
    },
    { flags: "--rate <rate>", description: "so many at a time, such as 5/1s", parse: toRate },
    { flags: "--wait", description: "also deliver, until they are settled" },
    {
      flags: "--store <url>",
      description: "what a comparison reads, such as sqlite:PATH (default: the store of --config)",
    },
  ],
  notes: [
    "What is replayed waits in the store for whoever delivers, under the same idempotency key as before.",
    "With --dry-run, --config and --since, and without ids and --state, it compares: the events that were accepted since run",
    "in virtual time through the configuration that --config names; it shows what each hook would have delivered, and did.",
    "Examples:",
    "  pipehooks replay --state dead --hook ops-webhook --since 1d --dry-run",
    "  pipehooks replay --dry-run --config changed.yaml --since 7d",
    "  pipehooks replay dlv_42 --wait",
  ],
  async run(context, { operands, options }) {
    const comparison = toComparison(context, operands, options);
    if (comparison !== undefined) {
      const { compareWithConfiguration } = await import("../route-test/compare-command.ts");
      return compareWithConfiguration(context, comparison);
    }
    if (options.store !== undefined) {
      throw new UsageError(
        "--store is what a comparison reads: it goes with --dry-run, --config and --since, without ids and --state.",
      );
    }
    const { state, hook, since, until, wait = false, dryRun = false } = options;
    const filters = [state, hook, since, until].filter((value) => value !== undefined);
    if (operands.length === 0 && filters.length === 0) {
      throw new UsageError("Name what to replay: ids, or --state, --hook, --since, --until.");
    }
    return withBus(context, { deliver: wait && !dryRun, worker: wait }, async (bus) => {
      const { rows, missed } = await select(context, bus, operands, options);
      if (dryRun) {
        list(context, rows);
        return missed ? 1 : 0;
      }
      const status = await replayRows(context, bus, rows, options);
      return missed ? 1 : status;
    });
  },
});

/** A configuration to be compared with what was, where that is asked for rather than a list of deliveries. */
function toComparison(
  { config }: Context,
  operands: readonly string[],
  { dryRun = false, state, since, until, hook, store, rate, wait }: Options,
): Comparison | undefined {
  if (!dryRun || config === undefined || since === undefined) return undefined;
  if (state !== undefined || operands.length > 0) return undefined;
  if (rate !== undefined || wait !== undefined) {
    throw new UsageError("A comparison sends nothing: leave out --rate and --wait.");
  }
  return { config, since, until, hook, store };
}

async function select(
  { output }: Context,
  bus: Pipehooks,
  ids: readonly string[],
  { state, hook, since, until }: Options,
): Promise<{ readonly rows: readonly DeliveryRow[]; readonly missed: boolean }> {
  const rows: DeliveryRow[] = [];
  if (ids.length === 0) {
    const states = state?.flat() ?? (["dead"] as const);
    for await (const row of allDeliveries(bus.store, {
      states,
      hook,
      since,
      until,
      oldestFirst: true,
    })) {
      rows.push(row);
    }
    return { rows, missed: false };
  }
  const states = state?.flat() ?? settledStates;
  let missed = false;
  for (const { id, known, deliveries } of await findNamed(bus.store, ids)) {
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
        ? `${printable(id)}: nothing of it can be replayed (${stateText(deliveries)}).`
        : `${printable(id)}: there is no such delivery or event.`,
    );
  }
  return { rows, missed };
}

function stateText(rows: readonly DeliveryRow[]): string {
  if (rows.length === 0) return "it reached no hook";
  return rows.map(({ id, state }) => `${toDeliveryId(id)} is ${state}`).join(", ");
}

function list({ output }: Context, rows: readonly DeliveryRow[]): void {
  if (output.json) for (const row of rows) output.object(deliveryJson(row));
  else if (rows.length > 0) output.data(...deliveryTable(output, rows));
  output.say(`${plural(rows.length, "delivery", "deliveries")} would be replayed.`);
}

async function replayRows(
  context: Context,
  bus: Pipehooks,
  rows: readonly DeliveryRow[],
  { rate, wait = false }: Options,
): Promise<ExitStatus> {
  const { output } = context;
  const done: number[] = [];
  {
    using stopping = listenForStop(() =>
      output.say("Stopping; what is not replayed yet stays as it is."),
    );
    using _progress = showProgress(output, () => `replaying: ${done.length} of ${rows.length}`);
    const step = rate?.count ?? idsPerStep;
    for (let at = 0; at < rows.length && !stopping.signal.aborted; at += step) {
      if (at > 0 && rate !== undefined) await pause(rate.windowMs, stopping);
      if (stopping.signal.aborted) break;
      const ids = rows.slice(at, at + step).map(({ id }) => id);
      done.push(...(await bus.store.replay({ ids, limit: ids.length }, Date.now())));
      bus.wake();
    }
  }
  warnOfUnknown(context, bus, rows);
  const stopped = done.length < rows.length;
  const ids = done.map(toDeliveryId);
  const said = `${plural(done.length, "delivery", "deliveries")} replayed${stopped ? ` of ${rows.length}` : ""}`;
  if (!wait) {
    if (output.json) output.object({ replayed: ids });
    else output.data(`${said}${done.length > 0 ? '; "pipehooks deliver" delivers them' : ""}`);
    return stopped ? 1 : 0;
  }
  const waited = await waitForDeliveries(context, bus, ids);
  if (output.json) output.object({ replayed: ids, deliveries: waited.rows });
  else output.data(said);
  return stopped ? 1 : waited.status;
}

function pause(ms: number, { signal }: Stopping): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

function warnOfUnknown({ output }: Context, bus: Pipehooks, rows: readonly DeliveryRow[]): void {
  const configured = new Set(
    bus.hooks.filter(({ policy }) => policy.enabled).map(({ name }) => name),
  );
  for (const hook of new Set(rows.map((row) => row.hook))) {
    if (!configured.has(hook))
      output.warn(`Hook "${hook}" is not configured or off: its deliveries wait.`);
  }
}

function parseSettledStates(text: string): readonly DeliveryState[] {
  const states = parseStates(text);
  const open = states.filter((state) => !settledStates.includes(state));
  if (open.length === 0) return states;
  throw new UsageError(
    `What is ${open.join(" or ")} is not settled. States: ${settledStates.join(", ")}.`,
  );
}

function toRate(text: string): Rate {
  try {
    return parseRate(text);
  } catch {
    throw new UsageError('Give COUNT/DURATION, such as "5/1s".');
  }
}
