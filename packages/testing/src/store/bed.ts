import assert from "node:assert/strict";
import type {
  Acceptance,
  AttemptRecord,
  ClaimedDelivery,
  DeliveryQuery,
  DeliveryRow,
  DeliveryState,
  GateEntry,
  NewDelivery,
  Settlement,
  Store,
} from "@pipehooks/core";
import type { GateSpec } from "@pipehooks/core/gates";

/** The store under test, and how to say things to it in few words. */
export interface Bed {
  readonly store: Store;
  /** Opens another store on the same data, disposed with the test. */
  again(): Promise<Store>;
}

/** Declares one test of the suite; what the body opened is disposed afterwards. */
export type StoreTest = (name: string, body: (bed: Bed) => Promise<void>) => void;

/** Tests of one topic. `sharedTest` is for those that need two stores on the same data. */
export type Topic = (test: StoreTest, sharedTest: StoreTest) => void;

/** Time in the suite: stores never look at the clock themselves. */
export const t0: number = Date.UTC(2026, 0, 1);

/** An event with one delivery to the hook `a`, unless said otherwise. */
export function acceptance(
  id: string,
  fields: {
    readonly source?: string;
    readonly type?: string;
    readonly pipeline?: string;
    readonly body?: string;
    readonly at?: number;
    readonly deliveries?: readonly NewDelivery[];
    readonly orderKey?: string;
    readonly gates?: readonly GateEntry[];
  } = {},
): Acceptance {
  const { source = "/suite", type = "pipeline.end", pipeline, at = t0, orderKey } = fields;
  return {
    event: {
      source,
      id,
      type,
      time: at,
      ...(pipeline === undefined ? {} : { pipeline }),
      body: fields.body ?? JSON.stringify({ id, source, type }),
    },
    deliveries: fields.deliveries ?? [
      { hook: "a", dueAt: at, ...(orderKey === undefined ? {} : { orderKey }) },
    ],
    ...(fields.gates === undefined ? {} : { gates: fields.gates }),
    at,
  };
}

/** Stores one event and answers the ids of its deliveries. */
export async function accept(
  store: Store,
  ...[id, fields]: Parameters<typeof acceptance>
): Promise<readonly number[]> {
  const [accepted] = await store.accept([acceptance(id, fields)]);
  assert.ok(accepted !== undefined, "accept answers one entry an event");
  return accepted.deliveries;
}

/** Claims from one hook. */
export async function claim(
  store: Store,
  options: {
    readonly hook?: string;
    readonly keys?: readonly string[];
    readonly limit?: number;
    readonly owner?: string;
    readonly now?: number;
    readonly leaseMs?: number;
    readonly gate?: GateSpec | null;
    readonly seeds?: readonly string[];
  } = {},
): Promise<readonly ClaimedDelivery[]> {
  return (await claimLane(store, options)).deliveries;
}

export async function claimLane(store: Store, options: Parameters<typeof claim>[1] = {}) {
  const { hook = "a", keys = [], limit = 100, owner = "me", now = t0, leaseMs = 30_000 } = options;
  const { gate, seeds } = options;
  const asked = {
    hook,
    keys,
    limit,
    ...(gate === undefined ? {} : { gate }),
    ...(seeds === undefined ? {} : { seeds }),
  };
  const lanes = await store.claim({ lanes: [asked], owner, now, leaseMs });
  const [lane] = lanes;
  assert.ok(lane !== undefined && lanes.length === 1, "claim answers one entry a lane");
  assert.equal(lane.hook, hook);
  return lane;
}

/** An attempt that failed, with all that can be said of it. */
export const attempt: AttemptRecord = {
  number: 1,
  startedAt: t0,
  durationMs: 12.5,
  outcome: "retry",
  code: "RECEIVER_FAILED",
  message: "api.example.com answered 500",
  answer: { status: 500, body: "no", timing: { connect: 1 } },
};

/** Settles one delivery, with one attempt on record unless said otherwise. */
export async function settle(
  store: Store,
  id: number,
  fields: Partial<Settlement> = {},
): Promise<boolean> {
  const settlement: Settlement = {
    id,
    owner: "me",
    now: t0,
    to: "delivered",
    attempts: 1,
    ...fields,
  };
  const answers = await store.settle([settlement]);
  assert.equal(answers.length, 1, "settle answers one entry a settlement");
  return answers[0] === true;
}

export const idsOf = (rows: readonly { readonly id: number }[]): number[] =>
  rows.map(({ id }) => id);

export async function row(store: Store, id: number): Promise<DeliveryRow> {
  const [found, ...others] = await store.deliveries({ ids: [id] });
  assert.ok(found !== undefined && others.length === 0, `delivery ${id} is found once by its id`);
  return found;
}

export async function stateOf(store: Store, id: number): Promise<DeliveryState> {
  return (await row(store, id)).state;
}

/** All deliveries that a query finds, page by page. */
export async function every(store: Store, query: DeliveryQuery = {}): Promise<DeliveryRow[]> {
  const rows: DeliveryRow[] = [];
  for (;;) {
    const after = rows.at(-1)?.id;
    const page = await store.deliveries({
      ...query,
      oldestFirst: true,
      limit: 200,
      ...(after === undefined ? {} : { after }),
    });
    if (page.length === 0) return rows;
    rows.push(...page);
  }
}

/** Asserts that the counters say what the rows say. */
export async function countsAgree(store: Store): Promise<void> {
  const expected = new Map<string, number>();
  for (const { hook, state } of await every(store)) {
    expected.set(`${hook} ${state}`, (expected.get(`${hook} ${state}`) ?? 0) + 1);
  }
  const counted = (await store.counts()).filter(({ count }) => count !== 0);
  assert.deepEqual(
    Object.fromEntries(counted.map(({ hook, state, count }) => [`${hook} ${state}`, count])),
    Object.fromEntries(expected),
  );
}

/** Leaves out what is undefined, so that an absent key and an undefined one are alike. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export async function rejectsWith(
  code: string,
  promise: Promise<unknown>,
  what = "the call",
): Promise<void> {
  await assert.rejects(
    promise,
    (error: unknown) => {
      const found: unknown = error instanceof Error ? Reflect.get(error, "code") : error;
      assert.equal(found, code, `${what} fails with ${code}, not with ${String(found)}`);
      return true;
    },
    `${what} fails with ${code}`,
  );
}
