import { formatDuration, type Pipehooks, type PipehooksEvent } from "@pipehooks/core";
import type { Colors } from "./output.ts";
import { plural, printable } from "./text.ts";
import { relative } from "./time.ts";

/** What the bus tells of an attempt; the fields of `pipehooks.delivery.attempted`. */
interface Attempted {
  readonly delivery: string;
  readonly hook: string;
  readonly event_type: string;
  readonly attempt: number;
  readonly outcome: "delivered" | "skipped" | "pending" | "retry" | "dead";
  readonly duration_ms: number;
  readonly code?: string;
  readonly reason?: string;
  readonly status?: number;
  readonly next_at?: string;
}

/** How many attempts of this process ended in what. */
export type Tally = Record<Attempted["outcome"], number>;

/** Counts the attempts of this process from now on; `seen` gets each as it ends. */
export function tallyAttempts(
  bus: Pipehooks,
  seen: (event: PipehooksEvent) => void = () => {},
): { readonly tally: Tally; readonly listening: Disposable } {
  const tally: Tally = { delivered: 0, skipped: 0, pending: 0, retry: 0, dead: 0 };
  const listening = bus.on("pipehooks.delivery.attempted", (event) => {
    tally[attemptedOf(event).outcome] += 1;
    seen(event);
  });
  return { tally, listening };
}

export function isDead(event: PipehooksEvent): boolean {
  return attemptedOf(event).outcome === "dead";
}

export function deliveryOf(event: PipehooksEvent): string {
  return attemptedOf(event).delivery;
}

/** One attempt on one line: when, which hook, what for, the outcome, and what comes next. */
export function attemptLine(event: PipehooksEvent, colors: Colors): string {
  const attempted = attemptedOf(event);
  const { hook, event_type: type, attempt, outcome, duration_ms: ms, status, reason } = attempted;
  const next =
    attempted.next_at === undefined ? "" : relative(Date.parse(attempted.next_at), Date.now());
  const what = [
    colors.dim(timeOfDay(event.time)),
    printable(hook),
    printable(type),
    colors.dim(attempted.delivery),
    `attempt ${attempt}`,
    outcomeText(outcome, colors),
    status === undefined ? "" : String(status),
    `took ${formatDuration(ms)}`,
    next === "" ? "" : `next ${next}`,
  ].filter((part) => part !== "");
  return what.join("  ") + (reason === undefined ? "" : colors.dim(`  ${printable(reason)}`));
}

export function tallyText(tally: Tally): string {
  const { delivered, skipped, pending, retry, dead } = tally;
  return [
    `${delivered} delivered`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(pending > 0 ? [`${pending} pending`] : []),
    ...(retry > 0 ? [plural(retry, "failed attempt")] : []),
    `${dead} dead`,
  ].join(", ");
}

export function outcomeText(outcome: string, colors: Colors): string {
  if (outcome === "delivered") return colors.green(outcome);
  if (outcome === "dead") return colors.red(outcome);
  return ["retry", "retrying"].includes(outcome) ? colors.yellow(outcome) : colors.cyan(outcome);
}

// The dispatcher writes these fields itself; no receiver's data is in their shape.
function attemptedOf(event: PipehooksEvent): Attempted {
  return event.metadata as unknown as Attempted;
}

function timeOfDay(time: string): string {
  return `${new Date(time).toISOString().slice(11, 19)}Z`;
}
