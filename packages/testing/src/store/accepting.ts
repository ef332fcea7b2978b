import assert from "node:assert/strict";
import {
  accept,
  acceptance,
  claim,
  countsAgree,
  every,
  idsOf,
  row,
  type Topic,
  t0,
} from "./bed.ts";

export const accepting: Topic = (test, sharedTest) => {
  test("events are accepted in order, and their deliveries get ascending ids", async ({
    store,
  }) => {
    const batch = ["e1", "e2", "e3"].map((id) =>
      acceptance(id, {
        deliveries: [
          { hook: "a", dueAt: t0 },
          { hook: "b", dueAt: t0 },
        ],
      }),
    );

    const accepted = await store.accept(batch);

    const ids = accepted.flatMap(({ deliveries }) => deliveries);
    assert.deepEqual(
      accepted.map(({ duplicate, deliveries }) => [duplicate, deliveries.length]),
      [
        [false, 2],
        [false, 2],
        [false, 2],
      ],
    );
    assert.deepEqual(
      ids,
      [...new Set(ids)].sort((x, y) => x - y),
    );
    const rows = await every(store);
    assert.deepEqual(
      rows.map(({ id, hook, eventId }) => [id, hook, eventId]),
      ids.map((id, at) => [id, at % 2 === 0 ? "a" : "b", `e${Math.floor(at / 2) + 1}`]),
    );
  });

  test("an event that no hook wants is stored without deliveries", async ({ store }) => {
    const [accepted] = await store.accept([acceptance("e1", { deliveries: [] })]);

    assert.deepEqual(accepted, { duplicate: false, deliveries: [] });
    assert.equal((await store.events({})).length, 1);
    assert.deepEqual(await store.counts(), []);
  });

  test("a batch of nothing is accepted", async ({ store }) => {
    assert.deepEqual(await store.accept([]), []);
  });

  test("a delivery row says what was accepted", async ({ store }) => {
    const [id = 0] = await accept(store, "e1", {
      source: "/here",
      type: "table.created",
      at: t0 + 5,
      deliveries: [{ hook: "a", dueAt: t0 + 9, orderKey: "k" }],
    });

    assert.deepEqual(JSON.parse(JSON.stringify(await row(store, id))), {
      id,
      hook: "a",
      state: "waiting",
      eventId: "e1",
      eventSource: "/here",
      eventType: "table.created",
      acceptedAt: t0 + 5,
      attempts: 0,
      dueAt: t0 + 9,
      orderKey: "k",
    });
  });

  test("an event accepted again is not stored again, and its first deliveries are answered", async ({
    store,
  }) => {
    const first = await accept(store, "e1");

    const [again] = await store.accept([
      acceptance("e1", {
        body: "{}",
        deliveries: [
          { hook: "b", dueAt: t0 },
          { hook: "c", dueAt: t0 },
        ],
      }),
    ]);

    assert.deepEqual(again, { duplicate: true, deliveries: first });
    const events = await store.events({});
    assert.equal(events.length, 1);
    assert.notEqual(events[0]?.body, "{}");
    assert.deepEqual(idsOf(await every(store)), first);
    await countsAgree(store);
  });

  test("an event twice in one batch is stored once", async ({ store }) => {
    const [one, two, three] = await store.accept([
      acceptance("e1"),
      acceptance("e1"),
      acceptance("e2"),
    ]);

    assert.equal(one?.duplicate, false);
    assert.deepEqual(two, { duplicate: true, deliveries: one?.deliveries });
    assert.equal(three?.duplicate, false);
    assert.equal((await every(store)).length, 2);
    await countsAgree(store);
  });

  test("batches of any size, with duplicates in any place, are answered event by event", async ({
    store,
  }) => {
    const delivered = new Map<string, readonly number[]>();
    for (const [size, step] of [
      [7, 0],
      [31, 0],
      [64, 9],
      [26, 25],
      [30, 1],
      [5, 4],
    ] as const) {
      const fresh = (at: number) => `e${delivered.size + at}`;
      // Each `step`th is one that is there already, the last ones of the batch included.
      const ids = Array.from({ length: size }, (_, at) =>
        step > 0 && at % step === step - 1 ? `e${at}` : fresh(at),
      );
      const accepted = await store.accept(
        ids.map((id, at) =>
          acceptance(id, { deliveries: at % 3 === 0 ? [] : [{ hook: "a", dueAt: t0 }] }),
        ),
      );
      for (const [at, id] of ids.entries()) {
        const known = delivered.get(id);
        assert.equal(accepted[at]?.duplicate, known !== undefined, id);
        if (known !== undefined) assert.deepEqual(accepted[at]?.deliveries, known, id);
        else delivered.set(id, accepted[at]?.deliveries ?? []);
      }
    }
    const rows = await every(store);
    assert.deepEqual(
      rows.map(({ id, eventId }) => [id, eventId]),
      [...delivered].flatMap(([id, ids]) => ids.map((delivery) => [delivery, id])),
    );
    assert.equal((await store.events({ limit: 1000 })).length, delivered.size);
    await countsAgree(store);
  });

  test("an event whose id was just made is found by it, and the same id again is a duplicate", async ({
    store,
  }) => {
    const fresh = (id: string) => {
      const made = acceptance(id);
      return { ...made, event: { ...made.event, idIsNew: true } };
    };
    const [first] = await store.accept([fresh("e1"), acceptance("e2"), fresh("e3")]);
    const [again, other] = await store.accept([acceptance("e1"), fresh("e4")]);

    assert.deepEqual(again, { duplicate: true, deliveries: first?.deliveries });
    assert.equal(other?.duplicate, false);
    assert.equal((await store.events({ id: "e4" })).length, 1);
    const rows = await store.events({ oldestFirst: true });
    assert.deepEqual(
      rows.map(({ body }) => JSON.parse(body)),
      ["e1", "e2", "e3", "e4"].map((id) => JSON.parse(acceptance(id).event.body)),
    );
    assert.equal((await store.deliveries({ eventId: "e3" })).length, 1);
    await countsAgree(store);
  });

  test("equal ids of different sources are different events", async ({ store }) => {
    const [one, two] = await store.accept([
      acceptance("e1", { source: "/x" }),
      acceptance("e1", { source: "/y" }),
    ]);

    assert.equal(one?.duplicate || two?.duplicate, false);
    assert.equal((await store.events({ id: "e1" })).length, 2);
  });

  test("ids are kept letter by letter, UUIDs in either case included", async ({ store }) => {
    const lower = "0190a5c0-7e3c-7abc-8def-0123456789ab";
    const ids = [lower, lower.toUpperCase(), lower.replaceAll("-", ""), "", "é😀 '\"", "1", "01"];

    const accepted = await store.accept(ids.map((id) => acceptance(id)));

    assert.deepEqual(
      accepted.map(({ duplicate }) => duplicate),
      ids.map(() => false),
    );
    assert.deepEqual(
      (await every(store)).map(({ eventId }) => eventId),
      ids,
    );
    for (const id of ids) assert.equal((await store.events({ id })).length, 1);
  });

  test("bodies come back as they went in: Unicode, and 256 KiB", async ({ store }) => {
    const texts = ["Zürich 東京 😀 \u0000 \u2028", "x".repeat(256 * 1024), "語".repeat(87_000)];
    const bodies = texts.map((text) => JSON.stringify({ text }));

    await store.accept(bodies.map((body, at) => acceptance(`e${at}`, { body })));

    const events = await store.events({ oldestFirst: true });
    assert.ok(events.every(({ body }, at) => body === bodies[at]));
    const claimed = await claim(store);
    assert.ok(claimed.every(({ events: [body] }, at) => body === bodies[at]));
    assert.equal(claimed.length, bodies.length);
  });

  test("batches accepted at the same time do not mix", async ({ store }) => {
    const accepted = await Promise.all(
      Array.from({ length: 50 }, (_, batch) =>
        store.accept([0, 1, 2].map((n) => acceptance(`e${batch}-${n}`))),
      ),
    );

    const ids = accepted.flatMap((batch) => batch.flatMap(({ deliveries }) => deliveries));
    assert.equal(new Set(ids).size, 150);
    const rows = new Map((await every(store)).map(({ id, eventId }) => [id, eventId]));
    for (const [batch, entries] of accepted.entries()) {
      assert.deepEqual(
        entries.map(({ deliveries: [id = 0] }) => rows.get(id)),
        [0, 1, 2].map((n) => `e${batch}-${n}`),
      );
    }
    await countsAgree(store);
  });

  sharedTest(
    "an event accepted through two stores at once is stored once",
    async ({ store, again }) => {
      const other = await again();

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          (at % 2 === 0 ? store : other).accept([acceptance("same")]),
        ),
      );

      const flat = answers.flat();
      assert.equal(flat.filter(({ duplicate }) => !duplicate).length, 1);
      assert.equal(new Set(flat.map(({ deliveries: [id] }) => id)).size, 1);
      assert.equal((await every(other)).length, 1);
      await countsAgree(other);
    },
  );
};
