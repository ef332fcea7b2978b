import assert from "node:assert/strict";
import type { DeliveryState, Store } from "@pipehooks/core";
import fc from "fast-check";
import { accept, claim, countsAgree, every, settle, type Topic, t0 } from "./bed.ts";

interface Modelled {
  readonly id: number;
  readonly hook: string;
  readonly orderKey: string | undefined;
  state: DeliveryState;
  dueAt: number;
  owner: string | undefined;
  attempts: number;
}

const settledStates: readonly DeliveryState[] = ["delivered", "skipped", "dead", "cancelled"];
const isSettled = ({ state }: Modelled) => settledStates.includes(state);
const isOpen = (entry: Modelled) => !isSettled(entry) && entry.state !== "blocked";

/** What a store should do, in a list. */
function createModel() {
  const list: Modelled[] = [];

  function hasTurn(entry: Pick<Modelled, "hook" | "orderKey">): Modelled | undefined {
    if (entry.orderKey === undefined) return undefined;
    return list.find(
      (other) => other.hook === entry.hook && other.orderKey === entry.orderKey && isOpen(other),
    );
  }

  function enter(entry: Modelled, now: number): void {
    entry.state = hasTurn(entry) === undefined ? "waiting" : "blocked";
    entry.dueAt = now;
  }

  return {
    list,
    add(
      id: number,
      hook: string,
      { orderKey, now }: { orderKey: string | undefined; now: number },
    ) {
      const entry: Modelled = {
        id,
        hook,
        orderKey,
        state: "blocked",
        dueAt: now,
        owner: undefined,
        attempts: 0,
      };
      enter(entry, now);
      list.push(entry);
    },
    due: (hook: string, now: number) =>
      list.filter((entry) => entry.hook === hook && isOpen(entry) && entry.dueAt <= now),
    end(entry: Modelled, state: DeliveryState) {
      const had = entry.state !== "blocked";
      entry.state = state;
      entry.owner = undefined;
      const next = list.find(
        ({ hook, orderKey, state: other }) =>
          hook === entry.hook && orderKey === entry.orderKey && other === "blocked",
      );
      if (had && entry.orderKey !== undefined && next !== undefined) next.state = "waiting";
    },
    replay(entry: Modelled, now: number) {
      entry.attempts = 0;
      enter(entry, now);
    },
  };
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("accept" as const),
      hook: fc.constantFrom<string>("a", "b"),
      orderKey: fc.constantFrom(undefined, "x", "y"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      hook: fc.constantFrom<string>("a", "b"),
      limit: fc.integer({ min: 1, max: 4 }),
      owner: fc.constantFrom("one", "two"),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      pick: fc.nat(),
      owner: fc.constantFrom("one", "two"),
      to: fc.constantFrom("delivered", "skipped", "dead", "retrying", "pending", "waiting"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("replay" as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 300 }) }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Model = ReturnType<typeof createModel>;

const leaseMs = 200;

/** Takes one step with the store and the model, and compares what comes back. */
async function take(
  store: Store,
  model: Model,
  { it, now }: { it: Step; now: number },
): Promise<void> {
  if (it.do === "accept") {
    const { hook, orderKey } = it;
    const delivery = { hook, dueAt: now, ...(orderKey === undefined ? {} : { orderKey }) };
    const id = `e${model.list.length}`;
    const [made = 0] = await accept(store, id, { at: now, deliveries: [delivery] });
    model.add(made, hook, { orderKey, now });
    return;
  }
  if (it.do === "claim") {
    const { hook, limit, owner } = it;
    const due = model.due(hook, now);
    const claimed = await claim(store, { hook, limit, owner, now, leaseMs });
    assert.equal(claimed.length, Math.min(limit, due.length));
    for (const { id, attempt } of claimed) {
      const entry = due.find((other) => other.id === id);
      assert.ok(entry !== undefined, `delivery ${id} is not due`);
      Object.assign(entry, { state: "running", owner, dueAt: now + leaseMs });
      entry.attempts += 1;
      assert.equal(attempt, entry.attempts);
    }
    return;
  }
  if (it.do === "wait") return;
  const entry = model.list[it.pick % Math.max(1, model.list.length)];
  if (entry === undefined) return;
  if (it.do === "settle") {
    const held = entry.state === "running" && entry.owner === it.owner;
    const attempts = it.to === "waiting" ? Math.max(0, entry.attempts - 1) : entry.attempts;
    const { to, owner } = it;
    const answer = await settle(store, entry.id, { to, owner, now, dueAt: now + 50, attempts });
    assert.equal(answer, held);
    if (!held) return;
    entry.attempts = attempts;
    if (to === "delivered" || to === "skipped" || to === "dead") model.end(entry, to);
    else Object.assign(entry, { state: to, owner: undefined, dueAt: now + 50 });
    return;
  }
  const settled = isSettled(entry);
  const ids = await store[it.do]({ ids: [entry.id] }, now);
  assert.deepEqual(ids, settled === (it.do === "replay") ? [entry.id] : []);
  if (ids.length === 0) return;
  if (it.do === "replay") model.replay(entry, now);
  else model.end(entry, "cancelled");
}

export const modelled: Topic = (test) => {
  test("whatever is done in whatever order, the store does what a simple list does", async ({
    store,
  }) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        run += 1;
        // One store serves all runs: each has hooks of its own, and cleans up behind itself.
        const own = (hook: string) => `${hook}${run}`;
        const model = createModel();
        let now = t0;
        for (const it of steps) {
          now += it.do === "wait" ? it.ms : 1;
          const renamed = "hook" in it ? { ...it, hook: own(it.hook) } : it;
          await take(store, model, { it: renamed, now });
        }
        const rows = await every(store);
        assert.deepEqual(
          rows.map(({ id, state, attempts }) => [id, state, attempts]),
          model.list.map(({ id, state, attempts }) => [id, state, attempts]),
        );
        for (const { dueAt, id, state } of rows) {
          const entry = model.list.find((other) => other.id === id);
          if (state !== "waiting" && dueAt !== undefined) assert.equal(dueAt, entry?.dueAt);
        }
        await countsAgree(store);
        await store.cancel({ limit: 1000 }, now);
        await store.purge({ before: now + 1, deadBefore: now + 1, limit: 1000 });
        assert.deepEqual(await every(store), []);
      }),
      { numRuns: 100 },
    );
  });
};
