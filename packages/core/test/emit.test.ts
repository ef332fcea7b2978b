import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { text } from "node:stream/consumers";
import {
  createMemoryStore,
  createPipehooks,
  defineEvents,
  type EmitResult,
  type HookError,
  type PipehooksEvent,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createGate, keepOpen, openBus } from "./virtual-bus.ts";

const nothing = () => {};

describe("typing", () => {
  const events = defineEvents({
    "data.quality_check": z.object({ table: z.string(), failedRows: z.int() }),
    "schema.evolution": z.object({ columns: z.array(z.string()).optional() }),
    "with.default": z.object({ n: z.int().default(1) }),
  });

  test("emit is typed by the type's name", async () => {
    const { bus } = openBus({ events });

    const emitted = bus.emit("data.quality_check", { metadata: { table: "t", failedRows: 1 } });
    expectTypeOf(emitted).resolves.toExtend<EmitResult>();
    expectTypeOf(bus.emit<"data.quality_check">)
      .parameter(1)
      .toHaveProperty("metadata")
      .toEqualTypeOf<{ table: string; failedRows: number }>();

    expect((await emitted).event.type).toBe("data.quality_check");
  });

  test("a wrong name, a missing or wrong field is a compile error, and refused at run time", async () => {
    const { bus } = openBus({ events });

    const refused = [
      // @ts-expect-error no such type
      bus.emit("data.quality_chek", {}),
      // @ts-expect-error metadata is required
      bus.emit("data.quality_check"),
      // @ts-expect-error metadata is required
      bus.emit("data.quality_check", { pipeline: "p" }),
      // @ts-expect-error a field is missing
      bus.emit("data.quality_check", { metadata: { table: "t" } }),
      // @ts-expect-error a field has the wrong type
      bus.emit("data.quality_check", { metadata: { table: "t", failedRows: "1" } }),
      // @ts-expect-error rows are a number
      bus.emit("pipeline.end", { metadata: { rows: "many" } }),
      // @ts-expect-error no such field
      bus.emit("pipeline.end", { pipelines: "p" }),
      // @ts-expect-error a name is text
      bus.emit("pipeline.end", { pipeline: 4 }),
    ];

    const results = await Promise.allSettled(refused);
    expect(results.map(({ status }) => status)).toEqual(refused.map(() => "rejected"));
  });

  test("fields may be left out where nothing is required", async () => {
    const { bus } = openBus({ events });

    await bus.emit("pipeline.start");
    await bus.emit("schema.evolution");
    await bus.emit("schema.evolution", { metadata: {} });
    const { event } = await bus.emit("with.default");

    expect(event.metadata).toEqual({ n: 1 });
  });

  test("a bus without own types knows the built-in ones only", () => {
    const { bus } = openBus();

    // @ts-expect-error not defined on this bus
    const refused = bus.emit("data.quality_check", { metadata: {} });

    return expect(refused).rejects.toMatchObject({ code: "EVENT_TYPE_UNKNOWN" });
  });
});

describe("acceptance", () => {
  test("emit resolves when the store has accepted, not before", async () => {
    const gate = createGate();
    const store = createMemoryStore();
    const slow: Store = {
      ...store,
      async accept(batch) {
        await gate.opened;
        return store.accept(batch);
      },
    };
    const { bus } = openBus({ store: slow });
    let resolved = false;

    const emitted = bus.emit("pipeline.start").then(() => {
      resolved = true;
    });
    await new Promise(setImmediate);
    const before = resolved;
    gate.open();
    await emitted;

    expect(before).toBe(false);
    expect(await store.events({})).toHaveLength(1);
  });

  test("emit tells the hooks it reached, each with its delivery's id", async () => {
    const { bus } = openBus({
      hooks: [
        { name: "one", events: "pipeline.*", hook: nothing },
        { name: "other", events: "table.*", hook: nothing },
        { name: "two", events: "*.end", hook: nothing },
      ],
    });

    const { deliveries, duplicate } = await bus.emit("pipeline.end");
    const rows = await bus.store.deliveries({ oldestFirst: true });

    expect(duplicate).toBe(false);
    expect(deliveries).toEqual(rows.map(({ hook, id }) => ({ hook, id: `dlv_${id}` })));
    expect(deliveries.map(({ hook }) => hook)).toEqual(["one", "two"]);
  });

  test("emits of one turn go to the store together, in order", async () => {
    const store = createMemoryStore();
    const batches: string[][] = [];
    const watched: Store = {
      ...store,
      accept(batch) {
        batches.push(batch.map(({ event }) => event.id));
        return store.accept(batch);
      },
    };
    const { bus } = openBus({ store: watched });

    await Promise.all(["a", "b", "c"].map((id) => bus.emit("pipeline.start", { id })));

    expect(batches).toEqual([["a", "b", "c"]]);
  });

  test("the same id from the same source is stored once, and emit says so with the first deliveries", async () => {
    const { bus, time } = openBus({ hooks: [{ name: "one", events: "*", hook: nothing }] });

    const first = await bus.emit("pipeline.start", { id: "1" });
    const again = await bus.emit("pipeline.start", { id: "1" });
    const elsewhere = await bus.emit("pipeline.start", { id: "1", source: "/other" });
    await time.advance(0);

    expect(again.duplicate).toBe(true);
    expect(again.deliveries).toEqual(first.deliveries);
    expect(elsewhere.duplicate).toBe(false);
    expect(await bus.store.counts()).toEqual([{ hook: "one", state: "delivered", count: 2 }]);
  });

  test("two equal ids in one turn are one event", async () => {
    const { bus } = openBus({ hooks: [{ name: "one", events: "*", hook: nothing }] });

    const results = await Promise.all([
      bus.emit("pipeline.start", { id: "1" }),
      bus.emit("pipeline.start", { id: "1" }),
    ]);

    expect(results.map(({ duplicate }) => duplicate)).toEqual([false, true]);
    expect(results[1]?.deliveries).toEqual(results[0]?.deliveries);
  });

  test("a duplicate that would reach other hooks today tells the hooks of the first time", async () => {
    const { bus } = openBus({
      hooks: [
        { name: "starts", events: "pipeline.start", hook: nothing },
        { name: "ends", events: "pipeline.end", hook: nothing },
      ],
    });

    const first = await bus.emit("pipeline.start", { id: "1" });
    const again = await bus.emit("pipeline.end", { id: "1" });

    expect(again.duplicate).toBe(true);
    expect(again.deliveries).toEqual(first.deliveries);
  });

  test("emit never runs a hook", async () => {
    let ran = false;
    const { bus } = openBus({
      hooks: [
        {
          name: "one",
          events: "*",
          hook: () => {
            ran = true;
          },
        },
      ],
    });

    await bus.emit("pipeline.start");

    expect(ran).toBe(false);
  });

  test("a bus with deliver: false accepts and leaves delivery to others", async () => {
    const calls: string[] = [];
    const { bus, time } = openBus({
      deliver: false,
      hooks: [{ name: "one", events: "*", hook: ({ id }) => void calls.push(id) }],
    });

    await bus.emit("pipeline.start");
    await time.advance(60_000);

    expect(calls).toEqual([]);
    expect(await bus.drain()).toBe(true);
    expect(await bus.store.counts()).toEqual([{ hook: "one", state: "waiting", count: 1 }]);
  });

  test("after close emit is refused with CLOSED, and nothing is stored", async () => {
    const store = createMemoryStore();
    const { bus } = openBus({ store: keepOpen(store) });

    const closing = bus.close();
    const during = bus.emit("pipeline.start");
    await closing;
    const after = bus.emit("pipeline.start");

    await expect(during).rejects.toMatchObject({ code: "CLOSED" });
    await expect(after).rejects.toMatchObject({ code: "CLOSED" });
    expect(await store.events({})).toEqual([]);
  });

  test("what was emitted before close is stored, awaited or not", async () => {
    const store = createMemoryStore();
    const { bus } = openBus({ store: keepOpen(store) });

    void bus.emit("pipeline.start");
    await bus.close();

    expect(await store.events({})).toHaveLength(1);
  });
});

describe("refusal", () => {
  const failing = (): Store => ({
    ...createMemoryStore(),
    accept: () => Promise.reject(new Error("disk on fire")),
  });

  test("who awaits gets the store's rejection", async () => {
    const { bus, log } = openBus({ store: failing() });

    await expect(bus.emit("pipeline.start")).rejects.toThrow("disk on fire");
    expect(log).toEqual(["error: 1 event(s) were not accepted: disk on fire"]);
  });

  test("what nobody awaits is logged, whether the event or the store was at fault", async () => {
    const { bus, log } = openBus({ store: failing() });

    void bus.emit("pipeline.start");
    void bus.emitUnknown("no.such.type");
    await new Promise(setImmediate);

    expect(log).toEqual([
      expect.stringContaining('error: Event type "no.such.type"'),
      "error: 1 event(s) were not accepted: disk on fire",
    ]);
  });

  test("a store that answers too little refuses the rest instead of leaving it hanging", async () => {
    const store = createMemoryStore();
    const forgetful: Store = {
      ...store,
      accept: async (batch) => (await store.accept(batch)).slice(0, 1),
    };
    const { bus } = openBus({ store: forgetful });

    const [first, second] = await Promise.allSettled([
      bus.emit("pipeline.start"),
      bus.emit("pipeline.start"),
    ]);

    expect(first?.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { code: "STORE_FAILED" } });
  });

  test("an emit that fails and is not awaited does not end the process; one that is awaited throws", async () => {
    const program = `
      import { createMemoryStore, createPipehooks } from ${JSON.stringify(import.meta.resolve("@pipehooks/core"))};
      const store = { ...createMemoryStore(), accept: () => Promise.reject(new Error("no store")) };
      const bus = createPipehooks({ store });
      bus.emit("pipeline.start");
      bus.emit("no.such.type");
      bus.emit("pipeline.start", { metadata: { n: 1n } });
      await new Promise((resolve) => setTimeout(resolve, 50));
      const error = await bus.emit("pipeline.start").catch((error) => error);
      console.log("alive", error.message);
      await bus.close();
      bus.emit("pipeline.start");
    `;

    const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
    const [output, errors, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);

    expect(output).toBe("alive no store\n");
    expect(errors.split("\n").filter((line) => line.startsWith("pipehooks error:"))).toHaveLength(
      5,
    );
    expect(status).toBe(0);
  });

  test("a stderr that cannot be written, as on a full disk, does not end the pipeline", async () => {
    const program = `
      import { createPipehooks } from "@pipehooks/core";
      const bus = createPipehooks();
      await bus.emit("no.such.type").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      await bus.close();
      console.log("alive");
    `;
    const readOnly = openSync(import.meta.filename, "r");

    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", readOnly],
      encoding: "utf8",
    });

    expect({ status, stdout }).toEqual({ status: 0, stdout: "alive\n" });
  });
});

describe("listeners", () => {
  test("a listener gets the events that fit its glob, frozen, before emit resolves", async () => {
    const { bus } = openBus();
    const heard: PipehooksEvent[] = [];
    bus.on("pipeline.{start,end}", (event) => void heard.push(event));

    const { event } = await bus.emit("pipeline.start");
    const atOnce = [...heard];
    await bus.emit("pipeline.error");
    await bus.emit("pipeline.end");

    expect(atOnce).toEqual([event]);
    expect(Object.isFrozen(heard[0])).toBe(true);
    expect(heard.map(({ type }) => type)).toEqual(["pipeline.start", "pipeline.end"]);
  });

  test("* hears every type but Pipehooks' own, a bad glob is refused", async () => {
    const { bus, time } = openBus({ hooks: [{ name: "one", events: "*", hook: nothing }] });
    const all: string[] = [];
    const own: string[] = [];
    bus.on("*", ({ type }) => void all.push(type));
    bus.on("pipehooks.*", ({ type }) => void own.push(type));

    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(all).toEqual(["pipeline.start"]);
    expect(own).toContain("pipehooks.delivery.delivered");
    expect(() => bus.on("{a", nothing)).toThrow("not a glob");
    expect(() => bus.on("", nothing)).toThrow("empty");
    expect(() => bus.on(5 as never, nothing)).toThrow("a glob and a function");
    expect(() => bus.on("*", "x" as never)).toThrow("a glob and a function");
  });

  test("a disposed listener hears nothing, those beside it on the same glob go on", async () => {
    const { bus } = openBus();
    const heard: string[] = [];
    const first = bus.on("*", () => void heard.push("first"));
    bus.on("*", () => void heard.push("second"));

    await bus.emit("pipeline.start");
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await bus.emit("pipeline.start");

    expect(heard).toEqual(["first", "second", "second"]);
  });

  test("a listener that throws or rejects is reported with its glob and harms nobody", async () => {
    const { bus, log } = openBus();
    const heard: string[] = [];
    bus.on("pipeline.*", () => {
      throw new Error("thrown");
    });
    bus.on("*.start", async () => {
      throw new Error("rejected");
    });
    bus.on("*", ({ type }) => void heard.push(type));

    const { event } = await bus.emit("pipeline.start");
    await new Promise(setImmediate);

    expect(event.type).toBe("pipeline.start");
    expect(heard).toEqual(["pipeline.start"]);
    expect(log).toEqual([
      'error: A listener on "pipeline.*" threw: thrown',
      'error: A listener on "*.start" threw: rejected',
    ]);
  });

  test("a listener is not called for a duplicate, nor for what the store refused", async () => {
    const store = createMemoryStore();
    let broken = false;
    const { bus } = openBus({
      store: {
        ...store,
        accept: (batch) => (broken ? Promise.reject(new Error("down")) : store.accept(batch)),
      },
    });
    const heard: string[] = [];
    bus.on("*", ({ id }) => void heard.push(id));

    await bus.emit("pipeline.start", { id: "1" });
    await bus.emit("pipeline.start", { id: "1" });
    broken = true;
    await bus.emit("pipeline.start", { id: "2" }).catch(nothing);

    expect(heard).toEqual(["1"]);
  });

  test("listeners hear what hooks emit, frozen", async () => {
    const { bus, time } = openBus({
      hooks: [
        {
          name: "one",
          events: "pipeline.start",
          hook: ({ emit }) => emit("table.created", { metadata: { list: [{ a: 1 }] } }),
        },
      ],
    });
    const heard: PipehooksEvent[] = [];
    bus.on("table.*", (event) => void heard.push(event));

    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(heard).toHaveLength(1);
    expect(Object.isFrozen(Reflect.get(heard[0]?.metadata ?? {}, "list"))).toBe(true);
  });

  test("the patterns of 1500 types are remembered within bounds and stay right", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });
    const heard: string[] = [];
    bus.on("a.*7", ({ type }) => void heard.push(type));
    const types = Array.from({ length: 1500 }, (_, index) => `a.t${index}`);

    for (let round = 0; round < 2; round += 1) {
      await Promise.all(types.map((type) => bus.emitUnknown(type)));
    }

    expect(heard).toHaveLength(300);
    expect(heard.every((type) => type.endsWith("7"))).toBe(true);
  });
});

describe("defaults", () => {
  test("a bus without any options accepts into memory and closes", async () => {
    const bus = createPipehooks({ logger: silentLogger });

    await bus.emit("pipeline.start");

    expect(bus.store.description).toBe("memory");
    await bus[Symbol.asyncDispose]();
    const error: HookError = await bus.emit("pipeline.start").then(
      () => expect.fail("accepted"),
      (thrown) => thrown,
    );
    expect(error.code).toBe("CLOSED");
  });
});
