import assert from "node:assert/strict";
import type { JsonValue } from "@pipehooks/core";
import { accept, claim, claimLane, plain, rejectsWith, type Topic, t0 } from "./bed.ts";

const increment = (memory: JsonValue | undefined) => ({ value: Number(memory ?? 0) + 1 });

export const remembering: Topic = (test, sharedTest) => {
  test("memory starts absent, and an update answers what it is afterwards", async ({ store }) => {
    const seen: unknown[] = [];
    const value = { list: [1, "é😀", null], nested: { yes: true } };

    const memory = await store.update("key", (before) => {
      seen.push(before);
      return { value, blockedUntil: t0 + 5 };
    });

    assert.ok(seen.every((before) => before === undefined));
    assert.deepEqual(plain(memory), { key: "key", value, blockedUntil: t0 + 5 });
    assert.deepEqual(plain(await store.read(["absent", "key"])), [plain(memory)]);
  });

  test("an update gets what the last one left, JSON's null included", async ({ store }) => {
    const seen: unknown[] = [];
    for (const value of [null, false, 0, "", []] as const) {
      await store.update("key", (before) => {
        seen.push(before);
        return { value };
      });
    }

    assert.deepEqual(seen.at(-1), "");
    assert.deepEqual((await store.read(["key"]))[0]?.value, []);
    assert.ok(seen.includes(null) && seen.includes(false) && seen.includes(0));
  });

  test("a value of undefined forgets the key", async ({ store }) => {
    await store.update("key", () => ({ value: 1, blockedUntil: t0 + 9 }));

    const memory = await store.update("key", () => ({ value: undefined }));

    assert.equal(memory.value, undefined);
    assert.deepEqual(await store.read(["key"]), []);
    const seen: unknown[] = [];
    await store.update("key", (before) => {
      seen.push(before);
      return { value: 2 };
    });
    assert.ok(seen.every((before) => before === undefined));
    assert.equal((await store.read(["key"]))[0]?.value, 2);
  });

  test("keys are apart from each other", async ({ store }) => {
    await store.update("x", () => ({ value: 1 }));
    await store.update("X", () => ({ value: 2 }));
    await store.update("x ", () => ({ value: 3 }));

    const memories = await store.read(["x", "X", "x "]);
    assert.deepEqual(Object.fromEntries(memories.map(({ key, value }) => [key, value])), {
      x: 1,
      X: 2,
      "x ": 3,
    });
    assert.deepEqual(await store.read([]), []);
  });

  test("updates at the same time each take effect", async ({ store }) => {
    const memories = await Promise.all(
      Array.from({ length: 50 }, () => store.update("n", increment)),
    );

    assert.equal((await store.read(["n"]))[0]?.value, 50);
    assert.deepEqual(
      memories.map(({ value }) => Number(value)).sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
  });

  test("a change that throws leaves the memory, and fails alone", async ({ store }) => {
    await store.update("n", increment);

    const outcomes = await Promise.allSettled([
      store.update("n", increment),
      store.update("n", () => {
        throw Object.assign(new Error("no"), { code: "MINE" });
      }),
      store.update("n", increment),
    ]);

    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal((await store.read(["n"]))[0]?.value, 3);
    await rejectsWith(
      "MINE",
      store.update("n", () => {
        throw Object.assign(new Error("no"), { code: "MINE" });
      }),
    );
  });

  test("a blocked key blocks the lanes that name it, until then, and the claim tells when", async ({
    store,
  }) => {
    await accept(store, "e1");
    await store.update("destination", () => ({ value: 1, blockedUntil: t0 + 1000 }));
    await store.update("longer", () => ({ value: 1, blockedUntil: t0 + 2000 }));

    const blocked = await claimLane(store, { keys: ["absent", "destination"] });
    assert.deepEqual(blocked.deliveries, []);
    assert.equal(blocked.nextDueAt, t0 + 1000);
    const both = await claimLane(store, { keys: ["destination", "longer"], now: t0 + 1000 });
    assert.deepEqual(both.deliveries, []);
    assert.equal(both.nextDueAt, t0 + 2000);

    assert.equal((await claim(store, { keys: ["destination"], now: t0 + 1000 })).length, 1);
  });

  test("a lane that does not name a blocked key is not blocked, and an unblocked key blocks no more", async ({
    store,
  }) => {
    await accept(store, "e1");
    await accept(store, "e2");
    await store.update("destination", () => ({ value: 1, blockedUntil: t0 + 1000 }));

    assert.equal((await claim(store, { keys: ["own"], limit: 1 })).length, 1);
    await store.update("destination", (value) => ({ value }));
    assert.equal((await claim(store, { keys: ["destination"] })).length, 1);
  });

  sharedTest(
    "updates through two stores at the same time each take effect",
    async ({ store, again }) => {
      const other = await again();

      const rounds = Array.from({ length: 40 }, async (_, at) => {
        const from = at % 2 === 0 ? store : other;
        await from.update("n", increment);
        await from.update("n", increment);
      });
      await Promise.all(rounds);

      assert.equal((await store.read(["n"]))[0]?.value, 80);
      assert.equal((await other.read(["n"]))[0]?.value, 80);
    },
  );

  sharedTest(
    "a memory forgotten and made anew elsewhere is not taken for the old one",
    async ({ store, again }) => {
      const other = await again();
      await store.update("n", () => ({ value: 1 }));
      await other.update("n", () => ({ value: undefined }));
      await other.update("n", () => ({ value: 10 }));

      const { value } = await store.update("n", increment);

      assert.equal(value, 11);
    },
  );
};
