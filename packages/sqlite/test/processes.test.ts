import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, test } from "vitest";
import {
  acceptance,
  acceptMany,
  eventIds,
  kept,
  miscounted,
  startChild,
  temporaryFolder,
} from "./workshop.ts";

const claimAs = async (store: Store, owner: string) => {
  const [lane] = await store.claim({
    lanes: [{ hook: "a", keys: [], limit: 100 }],
    owner,
    now: Date.now(),
    leaseMs: 60_000,
  });
  return lane?.deliveries ?? [];
};

describe("several processes on one file", () => {
  test.for([true, false])(
    "killed at any moment, a process loses nothing that it had accepted (worker: %s)",
    async (worker) => {
      const path = join(temporaryFolder(), "store.db");
      const stored: string[] = [];
      for (const round of [0, 1, 2]) {
        const child = startChild("emit", path, `r${round}`, String(worker));
        await child.line(`r${round}`);
        await sleep(Math.random() * 200);
        child.process.kill("SIGKILL");
        expect(await child.ended).toBe("SIGKILL");
        stored.push(...child.lines);
      }

      const store = kept(sqliteStore({ path }));

      const there = await eventIds(store);
      expect(stored.length).toBeGreaterThan(0);
      expect(new Set(there).size).toBe(there.length);
      expect(stored.filter((id) => !there.includes(id))).toEqual([]);
      expect(await miscounted(store)).toBeUndefined();
      await expectOneTurnAKey(store);
    },
  );

  test("killed while others go on, a process harms neither the file nor the others", async () => {
    const path = join(temporaryFolder(), "store.db");
    const children = ["p", "q"].map((name) => startChild("emit", path, name, "true"));
    await Promise.all(children.map((child, at) => child.line(["p", "q"][at] ?? "")));
    await sleep(100);
    for (const child of children) child.process.kill("SIGKILL");
    await Promise.all(children.map(({ ended }) => ended));

    const store = kept(sqliteStore({ path }));
    const there = new Set(await eventIds(store));

    for (const child of children) expect(child.lines.filter((id) => !there.has(id))).toEqual([]);
    expect(await miscounted(store)).toBeUndefined();
    await expectOneTurnAKey(store);
  });

  test("four processes that open a new file at once all store what they have, and none waits for ever", async () => {
    const path = join(temporaryFolder(), "folder", "store.db");
    const children = ["p", "q", "r", "s"].map((name) =>
      startChild("accept-many", path, name, "300"),
    );

    const slowest = await Promise.all(children.map((child) => child.line("slowest")));
    const ends = await Promise.all(children.map(({ ended }) => ended));

    expect(ends).toEqual([0, 0, 0, 0]);
    for (const line of slowest) expect(Number(line.split(" ")[1])).toBeLessThan(10_000);
    const store = kept(sqliteStore({ path }));
    expect(new Set(await eventIds(store)).size).toBe(1200);
    expect(await miscounted(store)).toBeUndefined();
  });

  test.for(["true", "false"])(
    "what was emitted and not waited for is stored before the process ends, and an idle store holds up no process (worker: %s)",
    async (worker) => {
      const path = join(temporaryFolder(), "store.db");
      const child = startChild("emit-and-end", path, worker);

      expect(await child.ended).toBe(0);

      const store = kept(sqliteStore({ path }));
      expect(await eventIds(store)).toEqual(Array.from({ length: 3000 }, (_, at) => `late-${at}`));
    },
  );

  test("leases of a process that lives are left alone; those of a dead one are due at once", async ({
    skip,
  }) => {
    if (process.platform !== "linux")
      skip("only Linux tells for certain whether a process has ended");
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path }));
    await store.accept(["e1", "e2"].map((id) => acceptance(id)));
    const child = startChild("claim", path);
    await child.line("claimed 2");
    expect(await claimAs(store, "me")).toEqual([]);

    child.process.kill("SIGKILL");
    await child.ended;

    const fresh = kept(sqliteStore({ path }));
    const claimed = await claimAs(fresh, "fresh");
    expect(claimed.map(({ attempt }) => attempt)).toEqual([2, 2]);
    expect(await miscounted(fresh)).toBeUndefined();
    expect(
      await store.extend({ owner: "child", ids: claimed.map(({ id }) => id), until: 0 }),
    ).toEqual([]);
  });

  test("a store that has been open all along finds the dead process within seconds", async ({
    skip,
  }) => {
    if (process.platform !== "linux")
      skip("only Linux tells for certain whether a process has ended");
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path }));
    await store.accept([acceptance("e1")]);
    const child = startChild("claim", path);
    await child.line("claimed 1");
    await claimAs(store, "me");
    child.process.kill("SIGKILL");
    await child.ended;

    await expect.poll(() => claimAs(store, "me"), { timeout: 5000 }).toHaveLength(1);
  });
});

describe("a large store", () => {
  test("queries, replay, cancel and purge go through tens of thousands of rows in steps", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, worker: false, durability: "normal" }));
    const count = 25_000;
    for (let at = 0; at < count; at += 500) {
      await store.accept(Array.from({ length: 500 }, (_, n) => acceptance(`e${at + n}`)));
    }
    const [first] = await store.deliveries({ oldestFirst: true, limit: 1 });
    await store.cancel({ ids: [first?.id ?? 0] }, Date.now());

    expect(await store.deliveries({ states: ["cancelled"] })).toHaveLength(1);
    expect(await store.deliveries({ limit: 1_000_000 })).toHaveLength(count);
    expect(await eventIds(store)).toHaveLength(count);
    expect(await store.events({ id: "e7", limit: 5 })).toHaveLength(1);
    expect(await store.events({ until: 0 })).toEqual([]);
    const later = Date.now() + 1000;
    expect(await store.cancel({ limit: 1_000_000 }, later)).toHaveLength(count - 1);
    expect(await store.replay({ limit: 12_345 }, later)).toHaveLength(12_345);
    const request = { before: later, deadBefore: later, limit: 2000 };
    let purged = 0;
    for (let step = 2000; step === 2000; purged += step) step = await store.purge(request);
    expect(purged).toBe(count - 12_345);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("the disposal waits for every step of what was asked before it, and then the file is closed", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, durability: "normal" }));
    let threads = 0;
    const count = () => {
      threads += 1;
    };
    process.on("worker", count);
    await acceptMany(store, { prefix: "e", count: 2500 });

    const cancelling = store.cancel({ limit: 10_000 }, Date.now());
    await store[Symbol.asyncDispose]();

    expect(await cancelling).toHaveLength(2500);
    expect(existsSync(`${path}-wal`)).toBe(false);
    process.off("worker", count);
    expect(threads).toBe(1);
  });

  test("the log stays bounded, and pages that were freed are used again", async () => {
    const path = join(temporaryFolder(), "store.db");
    const store = kept(sqliteStore({ path, worker: false, durability: "normal" }));
    const sizes: number[] = [];
    for (const round of [0, 1, 2, 3]) {
      await acceptMany(store, { prefix: `r${round}`, count: 3000, bytes: 2000 });
      await store.cancel({ limit: 100_000 }, Date.now());
      const later = Date.now() + 1000;
      await store.purge({ before: later, deadBefore: later, limit: 100_000 });
      expect(statSync(`${path}-wal`).size).toBeLessThan(32 * 1024 * 1024);
      sizes.push(statSync(path).size);
    }

    expect(sizes.at(-1)).toBeLessThan((sizes[0] ?? 0) * 1.5);
  });
});

/** Of every order key one unsettled delivery is not blocked, the earliest, and the others are. */
async function expectOneTurnAKey(store: Store): Promise<void> {
  const open = await store.deliveries({
    states: ["waiting", "running", "retrying", "pending", "blocked"],
    oldestFirst: true,
    limit: 1_000_000,
  });
  const keys = Map.groupBy(open, ({ hook, orderKey }) => `${hook} ${orderKey}`);
  for (const [, [head, ...others]] of keys) {
    expect(head?.state).not.toBe("blocked");
    expect(others.filter(({ state }) => state !== "blocked")).toEqual([]);
  }
}
