import assert from "node:assert/strict";
import type { DeliveryQuery, EventQuery, Store } from "@pipehooks/core";
import { accept, acceptance, claim, countsAgree, idsOf, settle, type Topic, t0 } from "./bed.ts";

const bodiesOf = (rows: readonly { readonly body: string }[]): string[] =>
  rows.map(({ body }) => body);

/** Six events, accepted one millisecond apart, that differ in everything a query can ask for. */
async function sixEvents(store: Store): Promise<void> {
  for (let n = 0; n < 6; n += 1) {
    await store.accept([
      acceptance(`e${n}`, {
        source: n % 2 === 0 ? "/even" : "/odd",
        type: n < 3 ? "pipeline.start" : "pipeline.end",
        at: t0 + n,
        body: `${n}`,
        ...(n % 3 === 0 ? {} : { pipeline: n % 3 === 1 ? "orders" : "users" }),
        deliveries: [
          { hook: "a", dueAt: t0 },
          ...(n % 2 === 0 ? [] : [{ hook: "b", dueAt: t0 + 100 }]),
        ],
      }),
    ]);
  }
}

export const asking: Topic = (test) => {
  const eventQueries: [string, EventQuery, string][] = [
    ["nothing", {}, "543210"],
    ["oldestFirst", { oldestFirst: true }, "012345"],
    ["id", { id: "e4" }, "4"],
    ["an unknown id", { id: "nope" }, ""],
    ["source", { source: "/odd" }, "531"],
    ["id and source", { id: "e4", source: "/odd" }, ""],
    ["an unknown source", { source: "/nope" }, ""],
    ["type", { type: "pipeline.start" }, "210"],
    ["pipeline", { pipeline: "orders" }, "41"],
    ["since, included", { since: t0 + 4 }, "54"],
    ["until, not included", { until: t0 + 2 }, "10"],
    ["since and until", { since: t0 + 2, until: t0 + 4 }, "32"],
    ["limit", { limit: 2 }, "54"],
    ["limit, oldest first", { limit: 2, oldestFirst: true }, "01"],
    ["everything", { type: "pipeline.end", source: "/odd", since: t0 + 4, pipeline: "users" }, "5"],
  ];
  test("events are asked for by id, source, type, pipeline and time", async ({ store }) => {
    await sixEvents(store);

    for (const [name, query, expected] of eventQueries) {
      assert.equal(bodiesOf(await store.events(query)).join(""), expected, `events by ${name}`);
    }
  });

  test("an event row says its place, its time and its body", async ({ store }) => {
    await sixEvents(store);

    const [first, second] = await store.events({ oldestFirst: true });

    assert.equal(first?.acceptedAt, t0);
    assert.equal(second?.body, "1");
    assert.ok((first?.seq ?? 0) < (second?.seq ?? 0));
  });

  for (const oldestFirst of [true, false]) {
    test(`pages go on behind the last one, ${oldestFirst ? "oldest" : "newest"} first`, async ({
      store,
    }) => {
      await sixEvents(store);
      const bodies: string[] = [];
      const ids: number[] = [];
      for (let after: number | undefined, page = 0; page < 4; page += 1) {
        const rows = await store.events({ oldestFirst, limit: 2, after });
        bodies.push(...bodiesOf(rows));
        after = rows.at(-1)?.seq;
      }
      for (let after: number | undefined, page = 0; page < 4; page += 1) {
        const rows = await store.deliveries({ oldestFirst, limit: 4, after });
        ids.push(...idsOf(rows));
        after = rows.at(-1)?.id;
        if (rows.length < 4) break;
      }

      const up = oldestFirst ? 1 : -1;
      assert.deepEqual(
        bodies.slice(0, 6),
        "012345".split("").sort((x, y) => up * (+x - +y)),
      );
      assert.equal(ids.length, 9);
      assert.deepEqual(
        ids,
        ids.toSorted((x, y) => up * (x - y)),
      );
    });
  }

  test("without a limit a hundred rows come back", async ({ store }) => {
    await store.accept(Array.from({ length: 120 }, (_, n) => acceptance(`e${n}`)));

    assert.equal((await store.events({})).length, 100);
    assert.equal((await store.deliveries({})).length, 100);
    assert.equal((await store.deliveries({ limit: 500 })).length, 120);
    assert.equal((await store.events({ limit: 500 })).length, 120);
  });

  const deliveryQueries: [string, DeliveryQuery, string][] = [
    ["nothing", {}, "5b 5a 4a 3b 3a 2a 1b 1a 0a"],
    ["oldestFirst", { oldestFirst: true, limit: 3 }, "0a 1a 1b"],
    ["event id", { eventId: "e3" }, "3b 3a"],
    ["an unknown event id", { eventId: "nope" }, ""],
    ["hook", { hook: "b" }, "5b 3b 1b"],
    ["an unknown hook", { hook: "nope" }, ""],
    ["one state", { states: ["delivered"] }, "0a"],
    ["dead", { states: ["dead"] }, "1a"],
    ["dead, oldest first", { states: ["dead"], oldestFirst: true }, "1a"],
    ["several states", { states: ["delivered", "dead", "retrying"] }, "2a 1a 0a"],
    ["no state", { states: [] }, ""],
    ["a state nothing is in", { states: ["pending"] }, ""],
    ["hook and state", { hook: "b", states: ["waiting", "dead"] }, "5b 3b 1b"],
    ["since, included", { since: t0 + 4 }, "5b 5a 4a"],
    ["until, not included", { until: t0 + 1 }, "0a"],
    ["hook and time", { hook: "a", since: t0 + 1, until: t0 + 3 }, "2a 1a"],
    ["limit", { limit: 2 }, "5b 5a"],
    ["no ids", { ids: [] }, ""],
  ];
  test("deliveries are asked for by event, hook, state and time", async ({ store }) => {
    await sixEvents(store);
    const [one = 0, two = 0, three = 0] = idsOf(await claim(store, { limit: 3, now: t0 }));
    await settle(store, one);
    await settle(store, two, { to: "dead" });
    await settle(store, three, { to: "retrying", dueAt: t0 + 1 });

    for (const [name, query, expected] of deliveryQueries) {
      const found = (await store.deliveries(query)).map(({ eventId, hook }) => eventId[1] + hook);
      assert.equal(found.join(" "), expected, `deliveries by ${name}`);
    }
  });

  test("deliveries are asked for by ids, in their order and not in that of the ids", async ({
    store,
  }) => {
    await sixEvents(store);
    const all = idsOf(await store.deliveries({ oldestFirst: true }));
    const wanted = [all[4] ?? 0, all[1] ?? 0, 987_654];

    assert.deepEqual(idsOf(await store.deliveries({ ids: wanted })), [all[4], all[1]]);
    const oldest = await store.deliveries({ ids: wanted, oldestFirst: true, limit: 1 });
    assert.deepEqual(idsOf(oldest), [all[1]]);
    assert.deepEqual(await store.deliveries({ ids: wanted, hook: "none" }), []);
    const both = await store.deliveries({ ids: wanted, eventId: "e1" });
    assert.deepEqual(idsOf(both), [all[1]]);
  });

  test("an event id of several sources finds the deliveries of all", async ({ store }) => {
    await accept(store, "same", { source: "/x" });
    await accept(store, "other");
    await accept(store, "same", { source: "/y" });

    const rows = await store.deliveries({ eventId: "same" });

    assert.deepEqual(
      rows.map(({ eventSource }) => eventSource),
      ["/y", "/x"],
    );
  });

  test("counts tell each hook's deliveries by state", async ({ store }) => {
    await sixEvents(store);
    const [one = 0] = idsOf(await claim(store, { limit: 2 }));
    await settle(store, one, { to: "dead" });

    const counts = (await store.counts()).filter(({ count }) => count > 0);

    assert.deepEqual(
      Object.fromEntries(counts.map(({ hook, state, count }) => [`${hook} ${state}`, count])),
      { "a dead": 1, "a running": 1, "a waiting": 4, "b waiting": 3 },
    );
    await countsAgree(store);
  });
};
