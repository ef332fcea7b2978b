import {
  createPipehooks,
  defineEvents,
  type JsonValue,
  type Pipehooks,
  type PipehooksEvent,
  silentLogger,
} from "@pipehooks/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { openBus } from "./virtual-bus.ts";

const events = defineEvents({
  "data.quality_check": z.object({ table: z.string(), failed_rows: z.int(), at: z.date() }),
  "open.one": z.looseObject({ level: z.int() }),
  "any.at_all": z.any(),
});
const at = new Date(0);

interface Stats {
  readonly files: number;
  readonly note: string | undefined;
  readonly parts: readonly Part[];
}
interface Part {
  readonly at: Date;
  readonly within?: Part;
}
const stats: Stats = { files: 2, note: undefined, parts: [{ at, within: { at } }] };
const kept = {
  files: 2,
  parts: [{ at: "1970-01-01T00:00:00.000Z", within: { at: "1970-01-01T00:00:00.000Z" } }],
};

describe("the event that emit answers", () => {
  test("has its type and its metadata's, as it was stored: a Date is text", async () => {
    const { bus } = openBus({ events });

    const { event } = await bus.emit("data.quality_check", {
      metadata: { table: "orders", failed_rows: 3, at },
    });

    expectTypeOf(event.type).toEqualTypeOf<"data.quality_check">();
    expectTypeOf(event.metadata.failed_rows).toEqualTypeOf<number>();
    expectTypeOf(event.metadata.at).toEqualTypeOf<string>();
    expectTypeOf(event).toExtend<PipehooksEvent>();
    expect(event.metadata).toEqual({ table: "orders", failed_rows: 3, at: kept.parts[0]?.at });
  });

  test("is typed for the built-in types, too, whose metadata stays open", async () => {
    const { bus } = openBus();

    const { event } = await bus.emit("pipeline.end", { metadata: { rows: 3, note: "x" } });

    expectTypeOf(event.metadata.rows).toEqualTypeOf<number | undefined>();
    expectTypeOf(event.metadata.note).toEqualTypeOf<JsonValue | undefined>();
    expect(event.metadata).toEqual({ rows: 3, note: "x" });
  });

  test("is any event where the type is known at run time only", async () => {
    const { bus } = openBus();

    const { event } = await bus.emitUnknown("pipeline.end");

    expectTypeOf(event).toEqualTypeOf<PipehooksEvent>();
    expect(event.type).toBe("pipeline.end");
  });
});

describe("a listener", () => {
  test("of one type gets its events typed", async () => {
    const { bus } = openBus({ events });
    const heard: unknown[] = [];
    bus.on("data.quality_check", ({ type, metadata }) => {
      expectTypeOf(type).toEqualTypeOf<"data.quality_check">();
      expectTypeOf(metadata.failed_rows).toEqualTypeOf<number>();
      heard.push(metadata.failed_rows);
    });
    bus.on("pipeline.end", ({ metadata }) => {
      expectTypeOf(metadata.duration).toEqualTypeOf<number | undefined>();
      heard.push(metadata.duration);
    });

    await bus.emit("data.quality_check", { metadata: { table: "t", failed_rows: 3, at } });
    await bus.emit("pipeline.end", { metadata: { duration: 1.5 } });

    expect(heard).toEqual([3, 1.5]);
  });

  test("on a glob, on another's type, or on a bus of unknown types gets any event", () => {
    const { bus } = openBus({ events });
    const any: Pipehooks = createPipehooks({ logger: silentLogger });
    const pattern: string = "data.*";
    const listener = (event: PipehooksEvent) => {
      expectTypeOf(event).toEqualTypeOf<PipehooksEvent>();
    };

    bus.on("*", (event) => listener(event));
    bus.on("data.quality_check", listener);
    for (const on of ["*", "pipehooks.delivery.dead"] as const) {
      bus.on(on, (event) => void expectTypeOf(event).toEqualTypeOf<PipehooksEvent>());
    }
    bus.on(pattern, (event) => void expectTypeOf(event).toEqualTypeOf<PipehooksEvent>());
    any.on("data.*", (event) => void expectTypeOf(event).toEqualTypeOf<PipehooksEvent>());
    any.on("my.own", (event) => void expectTypeOf(event).toEqualTypeOf<PipehooksEvent>());

    expect(any.on("my.own", listener)[Symbol.dispose]).toBeTypeOf("function");
  });

  test("that asks for another type's metadata is a compile error", () => {
    const { bus } = openBus({ events });
    const listener = (event: PipehooksEvent<"data.quality_check", { readonly rows: string }>) =>
      void event;

    // @ts-expect-error failed_rows, not rows
    const listening = bus.on("data.quality_check", listener);

    expect(listening[Symbol.dispose]).toBeTypeOf("function");
  });
});

describe("metadata of open types", () => {
  test("may hold dates and interfaces, wherever it is given", async () => {
    const { bus } = openBus({ events, allowUnknownTypes: true });
    const heard: PipehooksEvent["metadata"][] = [];
    bus.on("*", ({ metadata }) => void heard.push(metadata));

    await bus.emit("pipeline.end", { metadata: stats });
    await bus.emit("pipeline.end", { metadata: { stats, at } });
    await bus.emit("open.one", { metadata: { level: 1, ...stats } });
    await bus.emit("any.at_all", { metadata: { at } });
    await bus.emitUnknown("my.own", { metadata: stats });
    await bus.pipeline(
      "orders",
      (pipeline) =>
        pipeline.action("load", (action) => {
          action.add(stats);
          action.add({ at });
          action.table("sales.orders", stats);
        }),
      { metadata: stats },
    );

    expect(heard).toMatchObject([
      kept,
      { stats: kept, at: "1970-01-01T00:00:00.000Z" },
      { level: 1, ...kept },
      { at: "1970-01-01T00:00:00.000Z" },
      kept,
      kept,
      {},
      kept,
      { ...kept, at: "1970-01-01T00:00:00.000Z" },
      {},
    ]);
  });

  test("that no event can carry is a compile error, and refused at run time", async () => {
    const { bus } = openBus({ events, allowUnknownTypes: true });
    const map = new Map([["a", 1]]);

    const refused = [
      // @ts-expect-error no Map
      bus.emit("pipeline.end", { metadata: { x: map } }),
      // @ts-expect-error no BigInt
      bus.emit("pipeline.end", { metadata: { y: 12n } }),
      // @ts-expect-error no BigInt, however deep
      bus.emit("pipeline.end", { metadata: { list: [{ y: 12n }] } }),
      // @ts-expect-error no function
      bus.emit("open.one", { metadata: { level: 1, run: () => 1 } }),
      // @ts-expect-error level is missing
      bus.emit("open.one", { metadata: { note: "x" } }),
      // @ts-expect-error rows are a number
      bus.emit("table.created", { metadata: { rows: "many" } }),
      // @ts-expect-error metadata is an object
      bus.emit("pipeline.start", { metadata: [1] }),
      // @ts-expect-error metadata is an object of its own
      bus.emit("pipeline.start", { metadata: at }),
      // @ts-expect-error a list has no gaps
      bus.emit("pipeline.start", { metadata: { list: [1, undefined] } }),
      // @ts-expect-error no symbol
      bus.emitUnknown("my.own", { metadata: { s: Symbol("s") } }),
    ];

    const results = await Promise.allSettled(refused);
    expect(results.map(({ status }) => status)).toEqual(refused.map(() => "rejected"));
  });

  test("that no event can carry is a compile error in instrumented code, and left out", async () => {
    const { bus, log } = openBus();
    const heard: PipehooksEvent["metadata"][] = [];
    bus.on("action.end", ({ metadata }) => void heard.push(metadata));

    await bus.pipeline("orders", (pipeline) =>
      pipeline.action("load", (action) => {
        // @ts-expect-error no BigInt
        action.add({ big: 12n });
        // @ts-expect-error no Map
        action.add({ map: new Map() });
        action.add({ fine: 1 });
      }),
    );

    expect(heard).toEqual([{ duration: expect.any(Number), fine: 1 }]);
    expect(log).toHaveLength(1);
  });

  test("that may be anything is judged at run time", async () => {
    const { bus } = openBus();
    const unknown: Record<string, unknown> = { rows: 1, x: { y: [at] } };
    const any = JSON.parse('{ "a": 1 }');

    await bus.emit("pipeline.end", { metadata: unknown });
    await bus.emit("pipeline.end", { metadata: any });

    await expect(
      bus.emit("pipeline.end", { metadata: { ...unknown, z: 1n as unknown } }),
    ).rejects.toMatchObject({ code: "EVENT_INVALID" });
  });

  test("of one's own exact types stay exact", async () => {
    const { bus } = openBus({ events });

    const emitted = bus.emit("data.quality_check", {
      // @ts-expect-error no such key
      metadata: { table: "t", failed_rows: 1, at, failedRows: 1 },
    });

    expect((await emitted).event.metadata).not.toHaveProperty("failedRows");
  });
});

test("an error's optional fields may be undefined, as all others", async () => {
  const { bus } = openBus();
  const failure: { code: string | undefined; stack: string | undefined } = {
    code: undefined,
    stack: undefined,
  };

  const { event } = await bus.emit("pipeline.error", {
    pipeline: undefined,
    error: { message: "m", ...failure, causes: [{ message: "c", class: undefined }] },
  });

  expect(event.error).toStrictEqual({ message: "m", causes: [{ message: "c" }] });
});
