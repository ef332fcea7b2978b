import assert from "node:assert/strict";
import type { Store } from "@pipehooks/core";
import type { GateSpec } from "@pipehooks/core/gates";
import fc from "fast-check";
import { claimLane, countsAgree, every, settle, type Topic, t0 } from "./bed.ts";
import { bodyOf, debounce, digest, gated, threshold } from "./gated.ts";

const specs: Readonly<Record<string, GateSpec>> = {
  debounce: { ...debounce, waitMs: 40, maxWaitMs: 120 },
  leading: { ...debounce, waitMs: 40, leading: true },
  digest: { ...digest, every: 100, max: 4 },
  threshold: { ...threshold, withinMs: 60 },
};

const name = fc.constantFrom(...Object.keys(specs));
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("accept" as const),
      name,
      key: fc.constantFrom("x", "y"),
      again: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), name }) },
  // The clock jumps back, too.
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("jump" as const),
      ms: fc.integer({ min: -90, max: 200 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface History {
  readonly run: number;
  now: number;
  /** Ids of events by the hook that they came to. */
  readonly came: Map<string, string[]>;
  /** Events as hooks got them. */
  readonly delivered: string[];
}

async function take(store: Store, history: History, it: Step): Promise<void> {
  history.now += it.do === "jump" ? it.ms : 7;
  if (it.do === "jump") return;
  const { now, run } = history;
  const hook = `${it.name}${run}`;
  const spec = specs[it.name] ?? assert.fail("a known gate");
  const came = history.came.get(hook) ?? [];
  history.came.set(hook, came);
  if (it.do === "accept") {
    const known = it.again ? came.at(-1) : undefined;
    const id = known ?? `${hook} ${came.length}`;
    if (known === undefined) came.push(id);
    const [accepted] = await store.accept([gated(id, { hook, spec, key: it.key, at: now })]);
    assert.equal(accepted?.duplicate, known !== undefined);
  } else if (it.do === "deliver") {
    await deliver(store, history, { hook, spec });
  } else {
    await store.cancel({ hook, states: ["gathering"] }, now);
  }
}

async function deliver(
  store: Store,
  { now, delivered }: History,
  { hook, spec }: { hook: string; spec: GateSpec },
): Promise<void> {
  const { deliveries, nextGateAt } = await claimLane(store, { hook, gate: spec, now });
  assert.ok(nextGateAt === undefined || nextGateAt > now, "a gate that is due was asked");
  for (const { id, events, gate } of deliveries) {
    assert.equal(gate?.count, events.length);
    delivered.push(...events);
    await settle(store, id, { now });
  }
}

export const gateHistories: Topic = (test) => {
  test("whatever comes in whatever order, each event is in one delivery, and none is delivered twice", async ({
    store,
  }) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
        run += 1;
        const history: History = { run, now: t0 + 1000, came: new Map(), delivered: [] };
        for (const it of steps) await take(store, history, it);
        history.now += 10_000;
        for (const each of Object.keys(specs)) {
          await take(store, history, { do: "deliver", name: each });
        }

        const bodies: string[] = [];
        for (const [hook, ids] of history.came) {
          const rows = await every(store, { hook });
          assert.ok(rows.every(({ state }) => /delivered|skipped|cancelled/.test(state)));
          assert.deepEqual(await store.gates({ hook }), []);
          for (const id of ids) {
            const [place, ...others] =
              rows.filter(({ eventId }) => eventId === id).length > 1
                ? assert.fail(`${id} is the first event of two deliveries`)
                : await store.deliveries({ eventId: id, hook });
            assert.deepEqual(others, [], `${id} is in one delivery`);
            if (place?.state === "delivered") bodies.push(bodyOf(id));
          }
        }
        assert.deepEqual(history.delivered.toSorted(), bodies.sort());
        await countsAgree(store);
        await store.purge({ before: history.now + 1, deadBefore: history.now + 1, limit: 1000 });
        assert.deepEqual(await every(store), []);
      }),
      { numRuns: 40 },
    );
  });
};
