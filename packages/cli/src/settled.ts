import { type DeliveryRow, type Pipehooks, settledStates } from "@pipehooks/core";
import { deliveryNumber } from "./ids.ts";

/** What became of deliveries that were waited for. */
export interface Settled {
  readonly counts: Readonly<Record<"delivered" | "skipped" | "dead" | "cancelled", number>>;
  readonly dead: readonly DeliveryRow[];
  /** How many wait at a gate, for as long as it likes: nobody waits for those. */
  readonly gathering: number;
  /** Not settled: the wait was stopped, or their hook is off or not configured any more. */
  readonly left: readonly number[];
  /** Hooks that are off, with deliveries among those that are left. */
  readonly off: readonly string[];
}

const lookAgainMs = 250;
const askForHooksMs = 1000;
/** Rows looked at in one round, however many are waited for. */
const rowsPerRound = 500;

/** Waits until deliveries are settled, by this process or another one; those of hooks that are off are not waited for. */
export async function untilSettled(
  bus: Pipehooks,
  ids: Iterable<number>,
  { signal, left = () => {} }: { signal: AbortSignal; left?: (count: number) => void },
): Promise<Settled> {
  const counts = { delivered: 0, skipped: 0, dead: 0, cancelled: 0 };
  const dead: DeliveryRow[] = [];
  let gathering = 0;
  const waiting = new Set(ids);
  const stuck = new Set<number>();
  const off = new Set<string>();
  let askedAt = Date.now();
  let notice = Promise.withResolvers<void>();
  using _listening = bus.on("pipehooks.delivery.attempted", ({ metadata }) => {
    if (waiting.has(deliveryNumber(String(metadata.delivery)) ?? -1)) notice.resolve();
  });

  while (waiting.size > 0 && !signal.aborted) {
    notice = Promise.withResolvers();
    const asked = firstOf(waiting, rowsPerRound);
    const rows = await bus.store.deliveries({ ids: asked, limit: asked.length });
    // What retention has removed was settled before.
    const found = new Map(rows.map((row) => [row.id, row]));
    let progressed = false;
    for (const id of asked) {
      const row = found.get(id);
      const isGathering = row?.state === "gathering";
      if (row !== undefined && !isGathering && !settledStates.includes(row.state)) continue;
      waiting.delete(id);
      progressed = true;
      if (row === undefined) continue;
      if (isGathering) {
        gathering += 1;
        continue;
      }
      counts[row.state as keyof typeof counts] += 1;
      if (row.state === "dead") dead.push(row);
    }
    left(waiting.size);
    if (progressed) continue;
    if (Date.now() - askedAt >= askForHooksMs) {
      for (const hook of await hooksThatAreOff(bus)) off.add(hook);
      for (const row of rows) {
        if (!off.has(row.hook) || row.state === "running") continue;
        waiting.delete(row.id);
        stuck.add(row.id);
      }
      askedAt = Date.now();
    }
    await wait(notice.promise, signal);
  }
  return { counts, dead, gathering, left: [...waiting, ...stuck], off: [...off] };
}

function firstOf(ids: ReadonlySet<number>, count: number): number[] {
  const first: number[] = [];
  for (const id of ids) if (first.push(id) >= count) break;
  return first;
}

async function hooksThatAreOff(bus: Pipehooks): Promise<readonly string[]> {
  const { hooks, unknownHooks } = await bus.health();
  return [
    ...hooks.filter(({ status }) => status !== "on").map(({ name }) => name),
    ...unknownHooks.map(({ name }) => name),
  ];
}

/** A short while, or less: the notice comes a moment before the store has it, so the look is never the last. */
function wait(notice: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, lookAgainMs);
    signal.addEventListener("abort", done, { once: true });
    void notice.then(() => setTimeout(done, 5));
  });
}
