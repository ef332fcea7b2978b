import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Acceptance, ClaimedDelivery, GateSpec, Store } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, test } from "vitest";
import { debounce, digest } from "./children/gate-specs.ts";
import { eventIds, kept, miscounted, startChild, temporaryFolder } from "./workshop.ts";

function atGate(id: string, { key, at }: { key: string; at: number }): Acceptance {
  return {
    event: { source: "/test", id, type: "t.x", time: at, body: JSON.stringify({ id }) },
    deliveries: [],
    gates: [{ hook: "g", spec: debounce, key, facts: {} }],
    at,
  };
}

async function claimAt(store: Store, now: number, gate: GateSpec): Promise<ClaimedDelivery[]> {
  const claimed: ClaimedDelivery[] = [];
  for (;;) {
    const [lane] = await store.claim({
      lanes: [{ hook: "g", keys: [], limit: 1000, gate }],
      owner: "after",
      now,
      leaseMs: 3_600_000,
    });
    if (lane === undefined || lane.deliveries.length === 0) return claimed;
    claimed.push(...lane.deliveries);
  }
}

const idsIn = (claimed: readonly ClaimedDelivery[]): string[] =>
  claimed.flatMap(({ events }) => events.map((body) => (JSON.parse(body) as { id: string }).id));

describe("several processes at one gate", () => {
  test("killed between accept and timer, a process leaves a gate that releases once, with all that was accepted", async () => {
    const path = join(temporaryFolder(), "store.db");
    const child = startChild("gate-accept", path, "e", "1000", "debounce");
    await child.line("e-40");
    child.process.kill("SIGKILL");
    expect(await child.ended).toBe("SIGKILL");

    const store = kept(sqliteStore({ path }));
    const [gathering] = await store.deliveries({ states: ["gathering"] });
    const [gate] = await store.gates({ hook: "g" });
    const wakeAt = gate?.wakeAt ?? 0;
    expect(await claimAt(store, wakeAt - 1, debounce)).toEqual([]);
    const released = await claimAt(store, wakeAt, debounce);

    expect(released.map(({ id }) => id)).toEqual([gathering?.id]);
    expect(idsIn(released)).toEqual(await eventIds(store));
    expect(child.lines.filter((id) => !idsIn(released).includes(id))).toEqual([]);
    expect(await claimAt(store, wakeAt + 1_000_000, debounce)).toEqual([]);
    expect(await store.deliveries({})).toHaveLength(1);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("killed in the middle of a burst of releases, a process leaves none undone and none done twice", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, durability: "normal" }));
    const keys = Array.from({ length: 2000 }, (_, n) => `k${n}`);
    const at = Date.now();
    await store.accept(keys.map((key) => atGate(key, { key, at })));
    const child = startChild("gate-claim", path, "child", String(at + 1000));
    await child.line("got");
    child.process.kill("SIGKILL");
    await child.ended;

    const left = (await store.gates({ limit: 5000 })).length;
    const released = await claimAt(store, at + 3_600_000, debounce);

    expect(left).toBeGreaterThan(0);
    expect(idsIn(released).sort()).toEqual(keys.toSorted());
    expect(await store.deliveries({ limit: 5000 })).toHaveLength(keys.length);
    expect(await store.gates({})).toEqual([]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test.for(["true", "false"])(
    "killed at any moment, a process leaves each event that it had accepted in one delivery (worker: %s)",
    async (worker) => {
      const path = join(temporaryFolder(), "store.db");
      const accepted: string[] = [];
      for (const round of [0, 1, 2]) {
        const child = startChild("gate-work", path, `r${round}`, worker);
        await child.line(`r${round}`);
        await sleep(Math.random() * 200);
        child.process.kill("SIGKILL");
        expect(await child.ended).toBe("SIGKILL");
        accepted.push(...child.lines);
      }

      const store = kept(sqliteStore({ path }));
      await claimAt(store, Date.now() + 3_600_000, digest);

      const deliveries = await store.deliveries({ limit: 1_000_000 });
      const all = await eventIds(store);
      expect(accepted.filter((id) => !all.includes(id))).toEqual([]);
      expect(deliveries.filter(({ state }) => state === "gathering")).toEqual([]);
      const places = deliveries.reduce((sum, { gate }) => sum + (gate?.count ?? 0), 0);
      expect(places).toBe(all.length);
      for (const eventId of all.filter((_, n) => n % 50 === 0)) {
        expect(await store.deliveries({ eventId })).toHaveLength(1);
      }
      expect(await miscounted(store)).toBeUndefined();
    },
  );

  test("two processes that bring events to one key lose none, and each is released once", async () => {
    const path = join(temporaryFolder(), "store.db");
    const children = ["p", "q"].map((name) => startChild("gate-accept", path, name, "150"));
    await Promise.all(children.map((child) => child.line("done")));

    const store = kept(sqliteStore({ path }));
    const released = await claimAt(store, Date.now(), digest);

    expect(released.map(({ gate }) => gate?.count)).toEqual(Array.from({ length: 60 }, () => 5));
    expect(idsIn(released).sort()).toEqual((await eventIds(store)).sort());
    expect(new Set(idsIn(released)).size).toBe(300);
    expect(await store.gates({})).toEqual([]);
  });

  test("two processes that ask the same timers get each release once between them", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, durability: "normal" }));
    const keys = Array.from({ length: 600 }, (_, n) => `k${n}`);
    const at = Date.now();
    await store.accept(keys.map((key) => atGate(key, { key, at })));
    await store[Symbol.asyncDispose]();

    const children = ["p", "q"].map((owner) =>
      startChild("gate-claim", path, owner, String(at + 1000), "20"),
    );
    await Promise.all(children.map((child) => child.line("idle")));

    const got = children.flatMap(({ lines }) => lines.filter((line) => line.startsWith("got ")));
    expect(got.sort()).toEqual(keys.map((key) => `got ${key}`).sort());
    const after = kept(sqliteStore({ path }));
    expect(await after.deliveries({ limit: 5000 })).toHaveLength(keys.length);
    expect(await miscounted(after)).toBeUndefined();
  });
});
