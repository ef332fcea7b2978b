import { toDeliveryId } from "../delivery-id.ts";
import { describeGate } from "../gates/describe.ts";
import { commonKey } from "../gates/gate.ts";
import type { PreparedHook } from "../hook-config.ts";
import type { DeliveryState, Store } from "../store.ts";
import type { AttemptRow, DeliveryRow } from "../store-query.ts";
import { withoutStop } from "../without-stop.ts";
import { waitingText } from "./explain-gate.ts";
import type { DeliveryStep, ExplainedHold } from "./explanation.ts";
import type { Surroundings } from "./surroundings.ts";
import { timeText } from "./value-text.ts";

/** What may hold deliveries of one hook back. */
export interface Around extends Surroundings {
  /** Absent when it is not configured any more. */
  readonly hook: PreparedHook | undefined;
}

/** Explains how one delivery stands: its attempts, what comes next, and what holds it back. */
export async function explainDelivery(row: DeliveryRow, around: Around): Promise<DeliveryStep> {
  const [attempts, heldBy] = await Promise.all([
    around.store.attempts(row.id),
    holdsOf(row, around),
  ]);
  const { id, state, reason, gate, settledAt, dueAt } = row;
  return {
    step: "delivery",
    verdict: verdictOf(state),
    text: textOf(row, attempts, heldBy, around.now),
    delivery: toDeliveryId(id),
    state,
    events: gate?.count ?? 1,
    reason,
    released: gate?.release?.reason,
    settledAt: settledAt === undefined ? undefined : timeText(settledAt),
    dueAt: dueAt === undefined ? undefined : timeText(dueAt),
    attempts: attempts.map(({ number, startedAt, durationMs, outcome, code, message }) => ({
      ...{ number, startedAt: timeText(startedAt), durationMs, outcome, code, message },
    })),
    heldBy,
  };
}

function verdictOf(state: DeliveryState): DeliveryStep["verdict"] {
  if (state === "delivered") return "passed";
  return ["skipped", "dead", "cancelled"].includes(state) ? "stopped" : "waits";
}

async function holdsOf(row: DeliveryRow, around: Around): Promise<readonly ExplainedHold[]> {
  switch (row.state) {
    case "delivered":
    case "skipped":
    case "dead":
    case "cancelled":
      return [];
    case "gathering":
      return [await gateHold(row, around)];
    case "running":
      return [leaseHold(row, around.now)];
    case "blocked":
      return [await orderHold(row, around.store), ...holdsOfHook(around)];
    case "waiting":
    case "retrying":
    case "pending":
      return holdsOfHook(around);
  }
}

/** What holds all deliveries of a hook back. */
export function holdsOfHook({ hook, off, destination }: Around): readonly ExplainedHold[] {
  if (hook === undefined) {
    return [{ by: "configuration", text: "its hook is not configured any more" }];
  }
  if (!hook.policy.enabled) {
    return [{ by: "configuration", text: "the configuration switches its hook off" }];
  }
  const holds: ExplainedHold[] = [];
  const switched = off(hook.name);
  if (switched !== undefined) {
    const text = `its hook is disabled since ${timeText(switched.at)}: ${switched.because}`;
    holds.push({ by: "switch", text });
  }
  const report = destination(hook.destination);
  if (report?.blockedUntil !== undefined) {
    const until = timeText(report.blockedUntil);
    const text = `${report.name} takes nothing until ${until}: ${report.because}`;
    holds.push({ by: "destination", text, until });
  } else if (report?.breaker === "half-open") {
    const text = `the breaker of ${report.name} is half open: one delivery at a time is tried`;
    holds.push({ by: "destination", text });
  }
  return holds;
}

/** What the gate waits for in whose delivery the event is. */
async function gateHold({ hook, gate, id }: DeliveryRow, around: Around): Promise<ExplainedHold> {
  const { hook: configured } = around;
  if (configured?.policy.enabled === true && configured.gate === undefined) {
    return {
      by: "gate",
      text: "at a gate that was taken out of the hook: whoever delivers next lets it through",
    };
  }
  const spec = configured?.gate?.spec;
  const [row] = await around.store.gates({ hook, key: gate?.key ?? commonKey, limit: 1 });
  if (spec === undefined || row?.delivery !== id) {
    return { by: "gate", text: "at a gate that is not configured any more" };
  }
  const description = describeGate(spec, row.key, row, around.now);
  const { until } = description;
  return {
    by: "gate",
    text: waitingText(spec, description),
    until: until === undefined ? undefined : timeText(until),
  };
}

function leaseHold({ dueAt }: DeliveryRow, now: number): ExplainedHold {
  const until = dueAt === undefined ? undefined : timeText(dueAt);
  if (dueAt !== undefined && dueAt <= now) {
    const text = `the process that held it has not been heard of since ${until}; whoever delivers next takes it over`;
    return { by: "lease", text, until };
  }
  return {
    by: "lease",
    text: `a process holds it until ${until}, or longer while it works`,
    until,
  };
}

const rowsPerLook = 1000;
const mostLooks = 10;

/** The delivery that goes first among those with an equal order key. */
async function orderHold({ hook, orderKey }: DeliveryRow, store: Store): Promise<ExplainedHold> {
  let after: number | undefined;
  for (let look = 0; look < mostLooks; look += 1) {
    const rows = await store.deliveries({
      hook,
      states: ["waiting", "running", "retrying", "pending"],
      oldestFirst: true,
      after,
      limit: rowsPerLook,
    });
    const first = rows.find((row) => row.orderKey === orderKey);
    if (first !== undefined) {
      const delivery = toDeliveryId(first.id);
      const text = `behind ${delivery}, which is ${first.state} and has the same order key "${orderKey}"`;
      return { by: "order", text, delivery };
    }
    after = rows.at(-1)?.id;
    if (rows.length < rowsPerLook) break;
  }
  return { by: "order", text: `behind an earlier one with the order key "${orderKey}"` };
}

function textOf(
  row: DeliveryRow,
  attempts: readonly AttemptRow[],
  heldBy: readonly ExplainedHold[],
  now: number,
): string {
  const { state, dueAt = now } = row;
  const reason = row.reason === undefined ? "" : `: ${row.reason}`;
  const held = heldBy.map(({ text }) => text).join("; ");
  const tried = triedText(row.attempts, attempts);
  // Until somebody does something about it, whatever time is stored.
  const isOff = heldBy.some(({ by }) => by === "configuration" || by === "switch");
  switch (state) {
    case "delivered":
      return row.attempts <= 1 ? "delivered" : `delivered after ${row.attempts} attempts`;
    case "skipped":
    case "dead":
    case "cancelled":
      return `${state}${reason}`;
    case "gathering":
      return `waits ${held}`;
    case "running":
      return `is being delivered (attempt ${row.attempts}); ${held}`;
    case "blocked":
      return `waits ${held}`;
    case "pending":
      if (isOff) return `its remote run is not looked at, for ${held}`;
      return `its remote run goes on and is looked at again ${whenText(dueAt, now)}${held === "" ? "" : `; ${held}`}`;
    case "retrying":
      if (isOff) return `${tried} and waits, for ${held}${reason}`;
      return held === ""
        ? `${tried}, is tried again ${whenText(dueAt, now)}${reason}`
        : `${tried}, is tried again ${whenText(dueAt, now)}${withoutStop(reason)}; ${held}`;
    case "waiting":
      if (held !== "") return `waits: ${held}`;
      return dueAt > now ? `waits until ${timeText(dueAt)}` : "waits for a process that delivers";
  }
}

function triedText(count: number, attempts: readonly AttemptRow[]): string {
  const code = attempts.at(-1)?.code;
  const times = count === 1 ? "once" : `${count} times`;
  return `failed ${times}${code === undefined ? "" : ` (${code})`}`;
}

function whenText(dueAt: number, now: number): string {
  return dueAt <= now ? "as soon as a process delivers" : `at ${timeText(dueAt)}`;
}
