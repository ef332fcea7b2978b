import {
  type DeliveryRow,
  type Pipehooks,
  parseRate,
  settledStates,
  toDeliveryId,
} from "@pipehooks/core";
import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { withBus } from "../open.ts";
import { showProgress } from "../progress.ts";
import type { Comparison } from "../route-test/compare-command.ts";
import { createSelection, type Filters } from "../selection.ts";
import { listenForStop, type Stopping } from "../stopping.ts";
import { plural } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { waitForDeliveries } from "../wait.ts";

interface Options extends Filters {
  readonly dryRun?: boolean;
  readonly rate?: Rate;
  readonly wait?: boolean;
  readonly store?: string;
}

interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

const selection = createSelection({
  verb: "replay",
  done: "replayed",
  states: settledStates,
  unlessSaid: { states: ["dead"], text: "without ids: dead" },
  otherwise: "is not settled",
  nothing: "nothing of it can be replayed",
});

/** Made due in one transaction where no rate is asked for. */
const idsPerStep = 1000;

export const replay = defineCommand<Options>({
  name: "replay",
  summary: "make settled deliveries due again, with a fresh budget of attempts",
  operands: [
    {
      name: "[id...]",
      description: "deliveries (dlv_42, or a webhook-id, ph_…), or events: all of theirs",
    },
  ],
  options: [
    ...selection.options,
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
    const { wait = false, dryRun = false } = options;
    selection.check(operands, options);
    return withBus(context, { deliver: wait && !dryRun, worker: wait }, async (bus) => {
      const { rows, missed } = await selection.find(context, bus, operands, options);
      if (dryRun) {
        selection.list(context, rows);
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

function toRate(text: string): Rate {
  try {
    return parseRate(text);
  } catch {
    throw new UsageError('Give COUNT/DURATION, such as "5/1s".');
  }
}
