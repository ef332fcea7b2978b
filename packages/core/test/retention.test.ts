import { createMemoryStore, HookError, type PurgeRequest, type Store } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { openBus } from "./virtual-bus.ts";

const hour = 3_600_000;
const hooks = [
  {
    name: "one",
    events: "*",
    hook: ({ event }: { event: { type: string } }) => {
      if (event.type === "pipeline.error") throw new HookError("RECEIVER_REFUSED", "no");
      if (event.type === "action.start") throw new Error("down");
    },
    retry: { base: "365d", cap: "365d", maxAge: "365d", jitter: "none" as const },
  },
];

describe("retention", () => {
  test("settled events go after their age, those with dead letters later, unsettled ones never", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({ time, hooks, retention: { maxAge: "1h", deadMaxAge: "2h" } });
    for (const type of ["pipeline.start", "pipeline.error", "action.start"] as const) {
      await bus.emit(type, { id: type });
    }
    const left = async () =>
      (await bus.store.deliveries({ oldestFirst: true })).map(({ eventId }) => eventId);

    await time.advance(hour - 60_000);
    const before = await left();
    await time.advance(120_000);
    const afterOne = await left();
    await time.advance(hour);
    const afterTwo = await left();

    expect(before).toEqual(["pipeline.start", "pipeline.error", "action.start"]);
    expect(afterOne).toEqual(["pipeline.error", "action.start"]);
    expect(afterTwo).toEqual(["action.start"]);
  });

  test("beyond maxEvents the oldest settled ones go, whatever their age", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({ time, hooks, retention: { maxEvents: 2 } });
    for (const id of ["1", "2", "3", "4"]) await bus.emit("pipeline.start", { id });

    await time.advance(61_000);

    const rows = await bus.store.deliveries({ oldestFirst: true });
    expect(rows.map(({ eventId }) => eventId)).toEqual(["3", "4"]);
  });

  test("by default 30 and 90 days, and a million events, in steps of 500", async () => {
    const time = createVirtualTime();
    const store = createMemoryStore();
    const asked: PurgeRequest[] = [];
    const steps = [500, 500, 3, 0];
    const watched: Store = {
      ...store,
      async purge(request) {
        asked.push(request);
        return steps.shift() ?? 0;
      },
    };
    openBus({ time, store: watched });

    await time.advance(60_000);

    expect(asked).toHaveLength(3);
    expect(asked[0]).toEqual({
      before: time.now() - 30 * 24 * hour,
      deadBefore: time.now() - 90 * 24 * hour,
      keep: 1_000_000,
      limit: 500,
    });
  });

  test("a store that cannot purge is logged and asked again; after close nothing is", async () => {
    const time = createVirtualTime();
    let asked = 0;
    const store: Store = {
      ...createMemoryStore(),
      purge() {
        asked += 1;
        return Promise.reject(new Error("locked"));
      },
    };
    const { bus, log } = openBus({ time, store });

    await time.advance(125_000);
    await bus.close();
    await time.advance(600_000);

    expect(asked).toBe(2);
    expect(log).toEqual([
      "warn: Old events were not removed: locked",
      "warn: Old events were not removed: locked",
    ]);
  });

  test("a bus that does not deliver removes nothing", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({ time, deliver: false, retention: { maxAge: "1ms" } });
    await bus.emit("pipeline.start");

    await time.advance(600_000);

    expect(await bus.store.events({})).toHaveLength(1);
  });
});
