import {
  type HookHealth,
  type Pipehooks,
  type PreparedHook,
  unsettledStates,
} from "@pipehooks/core";
import type { Context } from "../command.ts";
import { defineCommand } from "../command.ts";
import { nextDueByHook } from "../held-back.ts";
import { withBus } from "../open.ts";
import { formatTable } from "../table.ts";
import { iso, relative } from "../time.ts";

/** A hook as the list shows it. */
interface Listed {
  readonly name: string;
  readonly kind: string;
  /** Its own patterns; where it has none, those of its gate. */
  readonly events: readonly string[];
  readonly gate?: string | undefined;
  readonly destination: string;
  readonly status: HookHealth["status"] | "unknown";
  readonly because?: string | undefined;
  readonly breaker?: string | undefined;
  readonly counts: Readonly<Record<string, number | undefined>>;
  readonly nextDueAt?: number | undefined;
}

interface Options {
  readonly next?: boolean;
}

export const hooks = defineCommand<Options>({
  name: "hooks",
  summary: "list the hooks, how they stand, and what they have to do",
  options: [
    {
      flags: "--next",
      description: "what happens next if nothing else comes: gates, retries, ends of pauses",
    },
  ],
  notes: [
    'Status: on; off ("enabled: false" in the file); disabled (by failures, or by somebody: "pipehooks enable"',
    "switches it on again); unknown (it has deliveries in the store and is not configured).",
  ],
  run: (context, { options }) =>
    withBus(context, {}, async (bus) => {
      if (options.next === true) await printNext(context, bus);
      else print(context, await list(bus));
      return 0;
    }),
});

async function printNext(context: Context, bus: Pipehooks): Promise<void> {
  const { printUpcoming } = await import("../upcoming.ts");
  await printUpcoming(context, bus);
}

async function list(bus: Pipehooks): Promise<readonly Listed[]> {
  const [health, lanes] = await Promise.all([bus.health(), bus.store.lanes()]);
  const dues = nextDueByHook(health, lanes);
  const byName = new Map(bus.hooks.map((hook) => [hook.name, hook]));
  return [
    ...health.hooks.map(({ name, kind, status, because, destination, breaker, counts }) => ({
      name,
      kind,
      ...askedBy(byName.get(name)),
      destination,
      status,
      because,
      breaker,
      counts,
      nextDueAt: dues.get(name),
    })),
    ...health.unknownHooks.map(({ name, unsettled }) => ({
      name,
      kind: "",
      events: [],
      destination: "",
      status: "unknown" as const,
      counts: { waiting: unsettled },
    })),
  ];
}

function askedBy(hook: PreparedHook | undefined): Pick<Listed, "events" | "gate"> {
  const { events = [], gate } = hook ?? {};
  if (gate === undefined) return { events };
  return { events: events.length > 0 ? events : gate.patterns, gate: gate.spec.kind };
}

function print({ output }: Context, rows: readonly Listed[]): void {
  if (output.json) {
    for (const { nextDueAt, ...row } of rows) output.object({ ...row, nextDueAt: iso(nextDueAt) });
    return;
  }
  if (rows.length === 0) {
    output.say("No hooks are configured.");
    return;
  }
  const now = Date.now();
  const { colors, width } = output;
  const paint = { on: colors.green, off: colors.dim, disabled: colors.red, unknown: colors.yellow };
  const lines = formatTable(
    rows,
    [
      { title: "HOOK", value: ({ name }) => name },
      { title: "KIND", value: ({ kind }) => kind },
      { title: "EVENTS", value: ({ events }) => events.join(", "), shrinksTo: 10 },
      { title: "GATE", value: ({ gate = "" }) => gate },
      { title: "DESTINATION", value: ({ destination }) => destination, shrinksTo: 12 },
      {
        title: "STATUS",
        value: ({ status }) => status,
        paint: (text, { status }) => paint[status](text),
      },
      {
        title: "BREAKER",
        value: ({ breaker = "closed" }) => (breaker === "closed" ? "" : breaker),
      },
      { title: "OPEN", value: ({ counts }) => String(unsettled(counts)) },
      { title: "DELIVERED", value: ({ counts }) => String(counts.delivered ?? 0) },
      {
        title: "DEAD",
        value: ({ counts }) => String(counts.dead ?? 0),
        paint: (text) => (text === "0" ? text : colors.red(text)),
      },
      { title: "NEXT", value: ({ nextDueAt }) => nextText(nextDueAt, now) },
      { title: "BECAUSE", value: ({ because = "" }) => because, shrinksTo: 12 },
    ],
    { width, title: colors.bold },
  );
  output.data(...lines);
}

function unsettled(counts: Listed["counts"]): number {
  return unsettledStates.reduce((total, state) => total + (counts[state] ?? 0), 0);
}

function nextText(nextDueAt: number | undefined, now: number): string {
  if (nextDueAt === undefined) return "";
  return nextDueAt <= now ? "due" : relative(nextDueAt, now);
}
