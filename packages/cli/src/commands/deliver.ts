import type { Pipehooks, PipehooksEvent } from "@pipehooks/core";
import { attemptLine, isDead, type Tally, tallyAttempts, tallyText } from "../attempts.ts";
import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { nextDueByHook } from "../held-back.ts";
import { withBus } from "../open.ts";
import { showProgress } from "../progress.ts";
import { listenForStop, untilAborted } from "../stopping.ts";
import { plural } from "../text.ts";
import { iso, parseSpan, relative } from "../time.ts";
import { UsageError } from "../usage-error.ts";

interface Options {
  readonly follow?: boolean;
  readonly for?: number;
}

/** The longest that a timer takes: an answer may be waited for as long as it needs. */
const asLongAsItTakesMs = 2_147_483_647;

export const deliver = defineCommand<Options>({
  name: "deliver",
  summary: "deliver what is due",
  options: [
    { flags: "--follow", description: "go on until stopped (SIGINT, SIGTERM, SIGHUP)" },
    {
      flags: "--for <duration>",
      description: "stay while something is due within this time, such as 10m",
      parse: parseSpan,
    },
  ],
  notes: [
    "Without options only what is due now is delivered; what failed waits in the store for its next time.",
    "With --follow --json each line is one of Pipehooks' own events: pipehooks.delivery.attempted and so on.",
  ],
  run(context, { options }) {
    if (options.follow === true && options.for !== undefined) {
      throw new UsageError("--follow goes on until stopped: leave out --for.");
    }
    return withBus(context, { deliver: true, worker: true }, (bus) =>
      options.follow === true ? follow(context, bus) : deliverDue(context, bus, options.for ?? 0),
    );
  },
});

async function follow({ output }: Context, bus: Pipehooks): Promise<ExitStatus> {
  using stopping = listenForStop(() =>
    output.say("Stopping: attempts under way may end (up to 10 s). Once more stops at once."),
  );
  const tell = (event: PipehooksEvent, line: () => string) => {
    if (output.json) output.object(event);
    else output.say(line());
  };
  const { tally, listening } = tallyAttempts(bus, (event) =>
    tell(event, () => attemptLine(event, output.talkColors)),
  );
  using _listening = listening;
  using _disabled = bus.on("pipehooks.{hook,destination}.*", (event) => {
    if (output.json) output.object(event);
  });
  using _progress = showProgress(output, () => `following: ${tallyText(tally)}`);
  const { unknownHooks } = await bus.health();
  for (const { name, unsettled } of unknownHooks) {
    output.warn(
      `${plural(unsettled, "delivery", "deliveries")} of hook "${name}" wait: ${notConfigured(name)}.`,
    );
  }
  output.say(`Following ${bus.store.description}. Ctrl-C stops.`);
  await untilAborted(AbortSignal.any([stopping.signal, output.gone]));
  await bus.close({ timeoutMs: 10_000, deliverDue: false });
  output.say(`Stopped: ${tallyText(tally)}.`);
  return 0;
}

async function deliverDue(
  { output }: Context,
  bus: Pipehooks,
  horizonMs: number,
): Promise<ExitStatus> {
  using stopping = listenForStop(() =>
    output.say("Stopping; what is not delivered stays in the store."),
  );
  const { tally, listening } = tallyAttempts(bus, (event) => {
    const line = attemptLine(event, output.talkColors);
    if (isDead(event)) output.say(line);
    else output.detail(line);
  });
  using _listening = listening;
  using progress = showProgress(output, () => `delivering: ${tallyText(tally)}`);
  await bus.drain({ horizonMs, timeoutMs: asLongAsItTakesMs, signal: stopping.signal });
  const left = await leftBehind(bus);
  progress[Symbol.dispose]();
  report({ output }, tally, left);
  if (stopping.signal.aborted) return 1;
  return tally.dead > 0 ? 1 : 0;
}

/** What is unsettled after all that was due is delivered. */
interface Left {
  readonly retrying: number;
  readonly pending: number;
  /** Untried, behind a failed one of their order key, or of a hook that is off. */
  readonly waiting: number;
  readonly nextDueAt: number | undefined;
  readonly off: readonly { readonly name: string; readonly because: string }[];
}

async function leftBehind(bus: Pipehooks): Promise<Left> {
  const [health, lanes] = await Promise.all([bus.health(), bus.store.lanes()]);
  const dues = [...nextDueByHook(health, lanes).values()];
  const count = (...states: (keyof (typeof health.hooks)[number]["counts"])[]) =>
    health.hooks.reduce(
      (total, { counts }) => total + states.reduce((sum, state) => sum + (counts[state] ?? 0), 0),
      0,
    );
  return {
    retrying: count("retrying"),
    pending: count("pending"),
    waiting:
      count("waiting", "blocked", "running") +
      health.unknownHooks.reduce((sum, { unsettled }) => sum + unsettled, 0),
    nextDueAt: dues.length === 0 ? undefined : Math.min(...dues),
    off: [
      ...health.hooks
        .filter((hook) => hook.status === "disabled" && hasUnsettled(hook.counts))
        .map(({ name, because = "it was disabled" }) => ({ name, because })),
      ...health.unknownHooks.map(({ name }) => ({ name, because: notConfigured(name) })),
    ],
  };
}

function notConfigured(name: string): string {
  return `it is not configured ("pipehooks cancel --hook ${name}" would end what waits for it)`;
}

function hasUnsettled(counts: Readonly<Record<string, number | undefined>>): boolean {
  return ["waiting", "blocked", "running", "retrying", "pending"].some(
    (state) => (counts[state] ?? 0) > 0,
  );
}

function report({ output }: Pick<Context, "output">, tally: Tally, left: Left): void {
  const { delivered, skipped, dead } = tally;
  const { retrying, pending, waiting, nextDueAt, off } = left;
  if (output.json) {
    output.object({
      delivered,
      skipped,
      dead,
      retrying,
      pending,
      waiting,
      nextDueAt: iso(nextDueAt),
    });
    return;
  }
  const parts = [
    `${delivered} delivered`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    `${retrying} retrying`,
    ...(pending > 0 ? [`${pending} pending`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    `${dead} dead`,
  ];
  const next = nextDueAt === undefined ? "" : `; next due ${relative(nextDueAt, Date.now())}`;
  output.data(`${parts.join(", ")}${next}`);
  for (const { name, because } of off) output.warn(`Hook "${name}" delivers nothing: ${because}`);
}
