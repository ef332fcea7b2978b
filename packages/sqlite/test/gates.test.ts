import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AbsenceSpec, AlertSpec, GateFacts, GateSpec, Store } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { describe, expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import { prepareGates } from "../src/gates.ts";
import { packAcceptances, packRouted, packSettlements } from "../src/packing.ts";
import { migrate } from "../src/schema.ts";
import { debounce, digest } from "./children/gate-specs.ts";
import { acceptance, eventIds, kept, miscounted, startChild, temporaryFolder } from "./workshop.ts";

const t0 = Date.UTC(2026, 0, 1);
const common = { hook: "g", source: "/test", maxKeys: 100, maxEvents: 100 };
const alert: AlertSpec = {
  ...common,
  kind: "alert",
  confirmForMs: 0,
  remindMs: [1000],
  maxReminders: 5,
};
const absence: AbsenceSpec = {
  ...common,
  kind: "absence",
  expect: "t.x",
  schedule: { type: "every", everyMs: 1000 },
  graceMs: 0,
  keys: ["k"],
  forgetAfterMs: 1_000_000_000,
};

interface At {
  readonly hook?: string;
  readonly key?: string;
  readonly spec?: GateSpec;
  readonly facts?: GateFacts;
  readonly at?: number;
}

function atGate(id: string, fields: At = {}) {
  const { hook = "g", key = "k", spec = debounce, facts = {}, at = t0 } = fields;
  return { ...acceptance(id), deliveries: [], gates: [{ hook, spec, key, facts }], at };
}

async function claim(store: Store, now: number, { hook = "g", spec = debounce }: At = {}) {
  const [lane] = await store.claim({
    lanes: [{ hook, keys: [], limit: 100, gate: spec }],
    owner: "me",
    now,
    leaseMs: 1000,
  });
  return lane;
}

/** Overwrites what gates remember, as a failing disk would. */
function damage(path: string, value: string, key = "k"): void {
  const db = new DatabaseSync(path);
  expect(db.prepare("UPDATE gates SET value = ? WHERE key = ?").run(value, key).changes).toBe(1);
  db.close();
}

function open(worker = false): { readonly path: string; readonly store: Store } {
  const path = join(temporaryFolder(), "store.db");
  return { path, store: kept(sqliteStore({ path, worker, durability: "normal" })) };
}

describe.for([true, false])("a gate's memory that cannot be used (worker: %s)", (worker) => {
  const garbage = ['{"last', "", "[", "last: 5", "\u0000"];
  test.for(garbage)(
    "lets an event begin anew, and makes a dead letter of what was gathered: %j",
    async (value) => {
      const { path, store } = open(worker);
      await store.accept([atGate("e1"), atGate("e2")]);
      damage(path, value);

      const [accepted] = await store.accept([atGate("e3", { at: t0 + 5 })]);

      expect(accepted?.gates).toMatchObject([{ state: "gathering" }]);
      const [dead, ...others] = await store.deliveries({ states: ["dead"] });
      expect(others).toEqual([]);
      expect(dead).toMatchObject({ eventId: "e1", settledAt: t0 + 5, gate: { count: 2 } });
      expect(dead?.reason).toMatch(
        /STORE_CORRUPT.*gate of hook "g".*key "k".*begins anew.*replayed/s,
      );
      expect((await store.gates({ hook: "g" })).map(({ gathered }) => gathered)).toEqual([1]);
      const [again] = await store.replay({ states: ["dead"] }, t0 + 6);
      expect(again).toBe(dead?.id);
      expect((await claim(store, t0 + 6))?.deliveries[0]?.events).toHaveLength(2);
      expect(await miscounted(store)).toBeUndefined();
    },
  );

  test("stops neither the timers of other keys nor those of other hooks", async () => {
    const { path, store } = open(worker);
    await store.accept([
      atGate("e1"),
      atGate("e2", { key: "other" }),
      atGate("e3", { hook: "h", key: "h" }),
    ]);
    damage(path, "{");

    const lanes = await store.claim({
      lanes: ["g", "h"].map((hook) => ({ hook, keys: [], limit: 9, gate: debounce })),
      owner: "me",
      now: t0 + 1000,
      leaseMs: 1000,
    });

    expect(lanes.map(({ deliveries }) => deliveries.length)).toEqual([1, 1]);
    const [dead] = await store.deliveries({ eventId: "e1" });
    expect(dead).toMatchObject({ state: "dead", reason: expect.stringContaining('key "k"') });
    expect(await store.gates({})).toEqual([]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("is STORE_CORRUPT to who asks for it, with hook and key and how it goes on", async () => {
    const { path, store } = open(worker);
    await store.accept([atGate("e1"), atGate("e2", { key: "other" })]);
    damage(path, "{");

    await expect(store.gates({ hook: "g", key: "k" })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringMatching(/gate of hook "g".*key "k".*begins anew/s),
    });
    expect(await store.gates({ hook: "g", key: "other" })).toHaveLength(1);
    await store.accept([atGate("e3")]);
    expect(await store.gates({})).toHaveLength(2);
  });

  test("makes a dead letter of the event that it kept, when nothing was gathered", async () => {
    const { path, store } = open(worker);
    await store.accept([atGate("e1", { spec: alert, facts: { opens: true } })]);
    const first = await claim(store, t0, { spec: alert });
    const id = first?.deliveries[0]?.id ?? 0;
    await store.settle([{ id, owner: "me", now: t0, to: "delivered", attempts: 1 }]);
    damage(path, "[");

    await claim(store, t0 + 1000, { spec: alert });

    const states = (await store.deliveries({ eventId: "e1" })).map(({ state }) => state);
    expect(states).toEqual(["dead", "delivered"]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("does not end the watch over something that is expected", async () => {
    const { path, store } = open(worker);
    const lanes = [{ hook: "g", keys: [], limit: 9, gate: absence, seeds: ["k"] }];
    const ask = async (now: number) =>
      (await store.claim({ lanes, owner: "me", now, leaseMs: 1000 }))[0];
    const wakeAt = (await ask(t0))?.nextGateAt ?? 0;
    damage(path, "{");

    const anew = (await ask(wakeAt))?.nextGateAt ?? 0;
    const lane = await ask(anew);

    expect(anew).toBeGreaterThan(wakeAt);
    expect(lane?.announced).toBe(true);
    expect(lane?.deliveries).toHaveLength(1);
  });
});

describe("a gate in a transaction that fails", () => {
  test("is as it was before: one call that fails leaves no trace, and the others go on", async () => {
    const { store } = open();
    await store.accept([atGate("e1")]);
    const broken = { ...acceptance("broken"), at: Number.NaN };

    const outcomes = await Promise.allSettled([
      store.accept([atGate("e2")]),
      store.accept([atGate("lost"), broken]),
      store.accept([atGate("lost too", { key: "new" }), broken]),
      store.accept([atGate("e3")]),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual([
      ...["fulfilled", "rejected", "rejected", "fulfilled"],
    ]);
    expect(await store.gates({})).toMatchObject([{ key: "k", gathered: 3 }]);
    const lane = await claim(store, Date.now() + 10_000);
    expect(lane?.deliveries[0]?.events).toHaveLength(3);
    expect(await eventIds(store)).toEqual(["e1", "e2", "e3"]);
    expect(await miscounted(store)).toBeUndefined();
  });

  test("counts no key twice: max_keys is exact after it", async () => {
    const { store } = open();
    const spec = { ...debounce, maxKeys: 2 };
    const broken = { ...acceptance("broken"), at: Number.NaN };
    await Promise.allSettled([
      store.accept([atGate("lost", { spec, key: "lost" }), broken]),
      store.accept([atGate("e1", { spec, key: "k1" })]),
    ]);

    const [two, three] = await store.accept([
      atGate("e2", { spec, key: "k2" }),
      atGate("e3", { spec, key: "k3" }),
    ]);

    expect([two?.gates?.[0]?.state, three?.gates?.[0]?.state]).toEqual(["gathering", "dead"]);
  });
});

/** Whether a step of a query's plan looks at more the more there is. */
function isCostly(step: string, sql: string): boolean {
  // Few rows by nature, or read in order up to a limit.
  const small = /^SCAN (sequences|counters|owners|sqlite_schema|json_each|unrouted|u\b|CONSTANT)/;
  // `EXISTS` reads one.
  const one = /^SCAN (members|gates) USING COVERING INDEX/;
  if (step.startsWith("SCAN ")) {
    return !small.test(step) && !(one.test(step) && sql.includes("EXISTS"));
  }
  // The deliveries of one event are few.
  return step.includes("TEMP B-TREE") && !/GROUP BY hook, state|d\.id IN \(/.test(sql);
}

describe("what a gate costs", () => {
  test("no statement looks through a table, however many keys, events and deliveries there are", () => {
    const path = join(temporaryFolder(), "store.db");
    const statements = new Set<string>();
    class Listening extends DatabaseSync {
      override prepare(sql: string) {
        statements.add(sql);
        return super.prepare(sql);
      }
    }
    const db = new Listening(path);
    migrate(db, path);
    const engine = createEngine(db, { path, loadGates: () => prepareGates });
    const lease = { owner: "me", until: t0 + 1000, lanes: [{ hook: "a", keys: ["x"] }] };
    const plain = {
      ...acceptance("plain"),
      deliveries: [
        { hook: "a", dueAt: 0 },
        { hook: "o", dueAt: 0, orderKey: "o" },
      ],
    };
    const batch = [plain, atGate("e1"), atGate("e2", { spec: digest }), atGate("e3")];
    const settlement = { owner: "me", now: t0, to: "delivered", attempts: 1 } as const;

    const { faults } = engine.run([
      { op: "accept", ask: packAcceptances(batch, lease) },
      {
        op: "claim",
        ask: {
          lanes: [{ hook: "g", keys: ["x"], limit: 9, gate: debounce, seeds: ["s"] }],
          owner: "me",
          now: t0 + 10_000,
          leaseMs: 1000,
        },
      },
      { op: "settle", ask: packSettlements([{ id: 1, ...settlement }]) },
      { op: "extend", ask: { owner: "me", ids: [2], until: t0 } },
      {
        op: "route",
        ask: packRouted([{ seq: 99, deliveries: [], at: t0 }]),
      },
      { op: "lanes", ask: null },
      { op: "gates", ask: {} },
      { op: "unrouted", ask: 10 },
      { op: "cancel", ask: { ids: [2], now: t0 } },
      { op: "replay", ask: { ids: [2], now: t0 } },
      { op: "purge", ask: { before: t0 * 2, deadBefore: t0 * 2, limit: 10 } },
      { op: "deliveries", ask: { query: { eventId: "e1" }, from: null, limit: 10 } },
      { op: "deliveries", ask: { query: { states: ["dead"] }, from: null, limit: 10 } },
    ] as Parameters<typeof engine.run>[0]);

    expect([...faults]).toEqual([]);
    const scans = [...statements].flatMap((sql) => {
      if (!/^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(sql)) return [];
      const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      return steps
        .map(({ detail }) => String(detail))
        .filter((detail) => isCostly(detail, sql))
        .map((detail) => `${detail}: ${sql}`);
    });
    db.close();
    expect(statements.size).toBeGreaterThan(50);
    expect(scans).toEqual([]);
  });

  test("an event at one of 20,000 keys writes no more than at one of ten", async () => {
    const { path, store } = open();
    const spec = { ...debounce, maxKeys: 100_000 };
    const fill = async (from: number, to: number) => {
      for (let at = from; at < to; at += 500) {
        const keys = Array.from({ length: Math.min(500, to - at) }, (_, n) => at + n);
        await store.accept(keys.map((key) => atGate(`fill ${key}`, { spec, key: `k${key}` })));
      }
    };
    const written = async (prefix: string) => {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      for (let n = 0; n < 10; n += 1) {
        await store.accept([atGate(`${prefix}${n}`, { spec, key: `k${n}`, at: t0 + n })]);
      }
      const [result] = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
      db.close();
      return Number(result?.log);
    };

    await fill(0, 10);
    const few = await written("few");
    await fill(10, 20_000);
    const many = await written("many");

    expect(few).toBeGreaterThan(10);
    expect(many).toBeLessThan(few * 2);
    const lane = await claim(store, t0 + 5000, { spec });
    expect(lane?.deliveries).toHaveLength(100);
    expect(await store.gates({ limit: 100_000 })).toHaveLength(20_000 - 200);
  });

  test("the store's thread loads gates when the first event comes to one, and of core no more than them", async () => {
    const child = startChild("loaded");
    const [plain, gates] = await Promise.all([child.line("plain"), child.line("gates")]);

    const others = (line: string) => line.split(" ").filter((file) => !/^sqlite/.test(file));
    expect(others(plain)).toEqual(["plain"]);
    expect(others(gates)).toContain("core/src/gates/gate.ts");
    const light = /^(gates|core\/src\/((gates\/[a-z-]+|errors|duration|id)\.ts|at-once\.cjs))$/;
    expect(others(gates).filter((file) => !light.test(file))).toEqual([]);
  });

  test("a held event takes less than 700 bytes, its own 300 included", async () => {
    const { path, store } = open();
    const spec = { ...debounce, maxKeys: 100_000 };
    const body = "x".repeat(300);
    const count = 10_000;
    for (let at = 0; at < count; at += 500) {
      await store.accept(
        Array.from({ length: 500 }, (_, n) => {
          const id = `0190a5c0-7e3c-7abc-8def-${String(at + n).padStart(12, "0")}`;
          const held = atGate(id, { spec, key: `key ${at + n}` });
          return { ...held, event: { ...held.event, body } };
        }),
      );
    }
    await store[Symbol.asyncDispose]();

    expect(readdirSync(join(path, ".."))).toEqual(["store.db"]);
    expect(statSync(path).size / count).toBeLessThan(700);
  });
});
