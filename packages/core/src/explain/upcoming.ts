import { toDeliveryId } from "../delivery-id.ts";
import { describeGate } from "../gates/describe.ts";
import { commonKey } from "../gates/gate.ts";
import type { PreparedHook } from "../hook-config.ts";
import type { DeliveryState, Store } from "../store.ts";
import type { GateRow } from "../store-query.ts";
import { holdsOfHook } from "./explain-delivery.ts";
import { lookAround, type Surroundings } from "./surroundings.ts";
import { timeText } from "./value-text.ts";

/** Something that happens by itself, if nothing else comes. */
export interface Upcoming {
  /**
   * `gate`: a gate acts; `delivery`: the next of a hook's deliveries in a state is due; `destination`: a pause, a
   * breaker or a used-up budget ends.
   */
  readonly type: "gate" | "delivery" | "destination";
  /** ISO 8601; absent for what nothing will happen to by itself. */
  readonly at?: string | undefined;
  /** Of a destination: its hooks. */
  readonly hooks: readonly string[];
  /** Whether the hook is configured, and its gate where it is about one. */
  readonly configured: boolean;
  /** One line for people. */
  readonly text: string;
  readonly destination?: string | undefined;
  /** Of a gate: the group; null for the common one. */
  readonly key?: string | null | undefined;
  /** Of a gate: the delivery that gathers; of deliveries: the one that is due first. */
  readonly delivery?: string | undefined;
  /** Of deliveries: how many are in this state. */
  readonly count?: number | undefined;
  readonly state?: DeliveryState | undefined;
}

/** Gates with timers that are looked at, the soonest ones. */
const mostGates = 1000;
/** Deliveries of one hook and state that are looked at, the oldest ones. */
const mostDeliveries = 10_000;
const dueStates = ["waiting", "retrying", "pending"] as const;

/** What happens next by itself, soonest first; what never does comes last. Writes nothing. */
export async function listUpcoming(
  { store, hooks }: { readonly store: Store; readonly hooks: readonly PreparedHook[] },
  now: number,
): Promise<readonly Upcoming[]> {
  const around = await lookAround(store, hooks, now);
  const byName = new Map(hooks.map((hook) => [hook.name, hook]));
  const [gates, deliveries] = await Promise.all([
    store.gates({ timersOnly: true, limit: mostGates }),
    listDeliveries(byName, around),
  ]);
  const all = [
    ...gates.map((row) => upcomingGate(byName.get(row.hook), row, now)),
    ...deliveries,
    ...listDestinations(hooks, around),
  ];
  return all.sort((a, b) => timeOf(a) - timeOf(b) || 0);
}

function timeOf({ at }: Upcoming): number {
  return at === undefined ? Number.POSITIVE_INFINITY : Date.parse(at);
}

function upcomingGate(hook: PreparedHook | undefined, row: GateRow, now: number): Upcoming {
  const { key, delivery, gathered } = row;
  const common = {
    type: "gate",
    hooks: [row.hook],
    key: key === commonKey ? null : key,
    delivery: delivery === undefined ? undefined : toDeliveryId(delivery),
  } as const;
  const events = gathered === 1 ? "1 event" : `${gathered} events`;
  const line = (at: number | undefined, text: string): Upcoming => ({
    ...common,
    at: at === undefined ? undefined : timeText(at),
    configured: hook?.gate !== undefined,
    text,
  });
  const stuck = (why: string): Upcoming => {
    const held = gathered === 0 ? "" : `; ${events} held`;
    return line(undefined, `${why}: nobody asks its gate${held}`);
  };
  if (hook === undefined) return stuck("the hook is not configured any more");
  if (!hook.policy.enabled) return stuck("the configuration switches the hook off");
  if (hook.gate === undefined) {
    const what = gathered === 0 ? "what it remembers is forgotten" : `${events} let through`;
    return line(now, `the gate was taken out of the hook: ${what}`);
  }
  const { summary, until = row.wakeAt } = describeGate(hook.gate.spec, key, row, now);
  return line(until, `${hook.gate.spec.kind}: ${summary}`);
}

async function listDeliveries(
  hooks: ReadonlyMap<string, PreparedHook>,
  around: Surroundings,
): Promise<readonly Upcoming[]> {
  const counts = await around.store.counts();
  const due = counts.filter(({ state }) => dueStates.some((each) => each === state));
  const found = due.map((each) => upcomingDelivery(hooks.get(each.hook), each, around));
  return (await Promise.all(found)).flatMap((each) => each ?? []);
}

async function upcomingDelivery(
  hook: PreparedHook | undefined,
  { hook: name, state, count }: { hook: string; state: DeliveryState; count: number },
  around: Surroundings,
): Promise<Upcoming | undefined> {
  const { store, now } = around;
  const rows = await store.deliveries({
    hook: name,
    states: [state],
    oldestFirst: true,
    limit: mostDeliveries,
  });
  const [first] = rows.toSorted((a, b) => (a.dueAt ?? now) - (b.dueAt ?? now));
  if (first === undefined) return undefined;
  const holds = holdsOfHook({ ...around, hook });
  const stuck = holds.some(({ by }) => by === "configuration" || by === "switch");
  const ends = holds.flatMap(({ until }) => (until === undefined ? [] : Date.parse(until)));
  const at = Math.max(now, first.dueAt ?? now, ...ends);
  const held = holds.length === 0 ? "" : `; ${holds.map(({ text }) => text).join("; ")}`;
  const deliveries = count === 1 ? "1 delivery" : `${count} deliveries`;
  return {
    type: "delivery",
    at: stuck ? undefined : timeText(at),
    hooks: [name],
    configured: hook !== undefined,
    text: `${deliveries} ${state}${held}`,
    delivery: toDeliveryId(first.id),
    count,
    state,
  };
}

function listDestinations(
  hooks: readonly PreparedHook[],
  { destination }: Surroundings,
): readonly Upcoming[] {
  const enabled = hooks.filter(({ policy }) => policy.enabled);
  const byDestination = Map.groupBy(enabled, (hook) => hook.destination);
  return [...byDestination].flatMap(([name, sharing]): Upcoming[] => {
    const report = destination(name);
    if (report?.blockedUntil === undefined) return [];
    return [
      {
        type: "destination",
        at: timeText(report.blockedUntil),
        hooks: sharing.map((hook) => hook.name),
        configured: true,
        text: `${name} takes deliveries again: ${report.because}`,
        destination: name,
      },
    ];
  });
}
