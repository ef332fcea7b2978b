import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DeliveryState, HookError } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, test } from "vitest";
import { digest } from "./children/gate-specs.ts";
import { eventIds, kept, miscounted, startChild, temporaryFolder } from "./workshop.ts";

const t0 = Date.UTC(2026, 0, 1);

/** A file that version 1 of the tables was written to. */
function oldFile(): string {
  const path = join(temporaryFolder(), "store.db");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(readFileSync(new URL("./version-1.sql", import.meta.url), "utf8"));
  db.close();
  return path;
}

function versionOf(path: string): unknown {
  const db = new DatabaseSync(path);
  const found = db.prepare("PRAGMA user_version").get()?.user_version;
  db.close();
  return found;
}

describe("a file of version 1", () => {
  test("has all that was in it after it was opened", async () => {
    const path = oldFile();
    const store = kept(sqliteStore({ path }));

    expect(await eventIds(store)).toEqual([
      "0190a5c0-7e3c-7abc-8def-0123456789ab",
      ...["dead", "retrying", "pending", "leased", "first", "second", "nobody"],
    ]);
    const rows = await store.deliveries({ oldestFirst: true });
    expect(rows.map(({ hook, state }) => `${hook} ${state}`)).toEqual([
      ...["a delivered", "b waiting", "a dead", "a retrying", "a pending", "a running"],
      ...["b waiting", "b blocked"],
    ]);
    expect(rows.every(({ gate }) => gate === undefined)).toBe(true);
    expect(rows[2]).toMatchObject({ eventId: "dead", reason: "answered 400", settledAt: t0 + 20 });
    expect(await store.attempts(3)).toMatchObject([
      { outcome: "dead", code: "HTTP_STATUS", answer: { status: 200 }, durationMs: 2.5 },
    ]);
    expect(await store.read(["breaker:a"])).toEqual([
      { key: "breaker:a", value: { failures: 2 }, blockedUntil: t0 + 50 },
    ]);
    expect(await store.events({ pipeline: "orders" })).toHaveLength(1);
    expect(await miscounted(store)).toBeUndefined();
    expect(versionOf(path)).toBe(3);
  });

  test("goes on being delivered, replayed and purged", async () => {
    const store = kept(sqliteStore({ path: oldFile() }));
    const claim = async (hook: string, now: number) => {
      const lanes = [{ hook, keys: ["breaker:a"], limit: 10 }];
      const [lane] = await store.claim({ lanes, owner: "me", now, leaseMs: 1000 });
      return lane?.deliveries ?? [];
    };
    const settleAll = async (hook: string, now: number) => {
      const claimed = await claim(hook, now);
      await store.settle(
        claimed.map(({ id, attempt }) => ({
          id,
          owner: "me",
          now,
          to: "delivered",
          attempts: attempt,
        })),
      );
      return claimed;
    };

    expect(await claim("b", t0 + 49)).toEqual([]);
    expect((await settleAll("b", t0 + 50)).map(({ id }) => id)).toEqual([2, 7]);
    expect((await settleAll("b", t0 + 50)).map(({ id }) => id)).toEqual([8]);
    const ofA = await settleAll("a", t0 + 60_000);
    expect(ofA.map(({ id, attempt, state }) => [id, attempt, state])).toEqual([
      [6, 2, undefined],
      [4, 2, undefined],
      [5, 1, { run: 7 }],
    ]);
    expect(await store.replay({ states: ["dead"] }, t0 + 70_000)).toEqual([3]);
    expect((await settleAll("a", t0 + 70_000)).map(({ events }) => events.length)).toEqual([1]);
    expect(await miscounted(store)).toBeUndefined();
    const request = { before: t0 + 99_000, deadBefore: t0 + 99_000, limit: 100 };
    expect(await store.purge(request)).toBe(8);
    expect(await store.deliveries({})).toEqual([]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("takes gates", async () => {
    const store = kept(sqliteStore({ path: oldFile() }));
    const spec = { ...digest, max: 2 };
    const states: (DeliveryState | undefined)[] = [];
    for (const id of ["g1", "g2"]) {
      const [accepted] = await store.accept([
        {
          event: { source: "/new", id, type: "t.x", time: t0, body: JSON.stringify({ id }) },
          deliveries: [],
          gates: [{ hook: "a", spec, key: "k", facts: {} }],
          at: t0 + 100,
        },
      ]);
      states.push(accepted?.gates?.[0]?.state);
    }

    const [found] = await store.deliveries({ eventId: "g2" });

    expect(states).toEqual(["gathering", "waiting"]);
    expect(found).toMatchObject({ id: 9, eventId: "g1", gate: { key: "k", count: 2 } });
  });

  test("is brought up to date once, whoever opens it first", async () => {
    const path = oldFile();
    const children = ["p", "q", "r"].map((name) => startChild("accept-many", path, name, "20"));

    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0]);

    const store = kept(sqliteStore({ path }));
    expect(await eventIds(store)).toHaveLength(8 + 60);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("that cannot be brought up to date stays as it is", async () => {
    const path = oldFile();
    const db = new DatabaseSync(path);
    // In the way of the last table that the new version makes.
    db.exec("CREATE TABLE unrouted (other)");
    db.close();
    const store = kept(sqliteStore({ path }));

    await expect(store.counts()).rejects.toThrow(HookError);

    const after = new DatabaseSync(path);
    expect(versionOf(path)).toBe(1);
    const columns = after.prepare("PRAGMA table_info(deliveries)").all();
    expect(columns.map(({ name }) => name)).not.toContain("gate");
    expect(after.prepare("SELECT count(*) AS n FROM deliveries").get()).toEqual({ n: 8 });
    after.close();
  });
});
