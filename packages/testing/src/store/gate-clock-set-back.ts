import assert from "node:assert/strict";
import { claim, claimLane, idsOf, type Topic, t0 } from "./bed.ts";
import { askAll, debounce, digest, gated, pass, remembered } from "./gated.ts";

const hour = 3_600_000;

/** Timers of gates after the clock was set back. */
export const gateClockSetBack: Topic = (test) => {
  test("after the clock was set back a gate waits no longer than its own time", async ({
    store,
  }) => {
    const { delivery } = await pass(store, "e1", { at: t0 + 10 * hour });

    const lane = await claimLane(store, { gate: debounce, now: t0 });

    assert.ok((lane.nextGateAt ?? Infinity) <= t0 + 1000);
    const claimed = await claim(store, { gate: debounce, now: t0 + 1000 });
    assert.deepEqual(idsOf(claimed), [delivery]);
    assert.equal(claimed[0]?.since, t0 + 1000);
  });

  test("after the clock was set back every one of many gates is corrected", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 10_000 };
    const count = 1200;
    await store.accept(
      Array.from({ length: count }, (_, n) =>
        gated(`e${n}`, { spec, key: `k${n}`, at: t0 + 10 * hour }),
      ),
    );
    await askAll(store, spec);

    const gates = await store.gates({ limit: 5000 });
    assert.equal(gates.length, count);
    assert.ok(gates.every(({ wakeAt = Infinity }) => wakeAt <= t0 + 1000));
  });

  test("an event after the clock was set back lowers the timer, too", async ({ store }) => {
    await pass(store, "e1", { spec: digest, at: t0 + 10 * hour });

    await pass(store, "e2", { spec: digest, at: t0 });

    assert.equal((await remembered(store))?.wakeAt, t0 + 60_000);
  });
};
