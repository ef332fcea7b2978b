import {
  createId,
  createMemoryStore,
  defineEvents,
  eventTypePattern,
  HookError,
  idempotencyKeyOf,
  mostHops,
  type PipehooksEvent,
} from "@pipehooks/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { openBus } from "./virtual-bus.ts";

const uuid7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** What `emit` refused it with. */
async function refusal(emitted: Promise<unknown>): Promise<HookError> {
  const error = await emitted.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof HookError) return error;
  throw new Error(`Not refused with a HookError but ${String(error)}`);
}

/** A Standard Schema of no library. */
function byHand(validate: StandardSchemaV1["~standard"]["validate"]): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "by hand", validate } };
}

function frozenAll(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(frozenAll);
}

test.for([true, false])(
  "what a store is given is what the event says, lists frozen, too (durable: %s)",
  async (durable) => {
    const inner = createMemoryStore();
    const bodies: string[] = [];
    const { bus } = openBus({
      store: {
        ...inner,
        durable,
        accept(batch, lease) {
          bodies.push(...batch.map((acceptance) => acceptance.event.body));
          return inner.accept(batch, lease);
        },
      },
    });
    const metadata = { list: ["a", { deep: [1, [2]] }], plain: { x: 1 } };
    const error = { message: "m", causes: [{ message: "c" }] };

    const { event } = await bus.emit("pipeline.error", { metadata, error });
    const { event: bare } = await bus.emit("pipeline.end", { metadata: { n: 1 } });

    expect(event.metadata).toEqual(metadata);
    expect(frozenAll(event)).toBe(true);
    expect(bodies).toEqual([JSON.stringify(event), JSON.stringify(bare)]);
  },
);

describe("stamps", () => {
  test("an event gets an id, the bus's source, its type, the time and empty metadata", async () => {
    const { bus, time } = openBus({ source: "/pipelines/prod" });

    const { event } = await bus.emit("pipeline.start");

    expect(event).toEqual({
      id: expect.stringMatching(uuid7),
      source: "/pipelines/prod",
      type: "pipeline.start",
      time: new Date(time.now()).toISOString(),
      metadata: {},
    });
  });

  test("without a source of its own a bus says /pipehooks", async () => {
    const { bus } = openBus();

    expect((await bus.emit("pipeline.start")).event.source).toBe("/pipehooks");
  });

  test("what the emitter says wins over the stamps", async () => {
    const { bus } = openBus();
    const said = {
      id: "order-1",
      source: "/elsewhere",
      time: "2026-03-29T01:00:00.000Z",
      subject: "s",
      pipeline: "p",
      flowgroup: "f",
      action: "a",
      table: "t",
      runId: "r",
      causedBy: "before",
      hops: 3,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      extensions: { tenant: "acme", level: 3, hot: true },
      metadata: { rows: 4 },
      error: { message: "m", class: "C", code: "E1", severity: "CRITICAL" as const },
    };

    const { event } = await bus.emit("pipeline.error", said);

    expect(event).toEqual({ ...said, type: "pipeline.error" });
  });

  test("ids are UUIDs of version 7 that carry the time and sort by it, also within a millisecond and beyond its 4096", () => {
    const now = Date.UTC(2040, 0, 1);

    const ids = Array.from({ length: 10_000 }, () => createId(now));

    expect(ids.every((id) => uuid7.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(10_000);
    expect(ids).toEqual(ids.toSorted());
    expect(Number.parseInt((ids[0] as string).replace("-", "").slice(0, 12), 16)).toBe(now);
  });

  test("ids keep their order when the time that is passed goes back", () => {
    const later = createId(Date.UTC(2041, 0, 1));

    expect(createId(Date.UTC(2000, 0, 1)) > later).toBe(true);
  });

  test.for([
    ["a Date", new Date(Date.UTC(2026, 2, 29, 1)), "2026-03-29T01:00:00.000Z"],
    ["text in UTC", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00.000Z"],
    ["text with an offset", "2026-03-29T03:30:00+02:30", "2026-03-29T01:00:00.000Z"],
    ["text with a fraction", "2026-03-29T01:00:00.5Z", "2026-03-29T01:00:00.500Z"],
    ["lower-case text", "2026-03-29t01:00:00z", "2026-03-29T01:00:00.000Z"],
    ["text on a leap day", "2024-02-29T01:00:00Z", "2024-02-29T01:00:00.000Z"],
    ["text whose offset moves the day", "2026-02-28T23:30:00-01:00", "2026-03-01T00:30:00.000Z"],
  ] as const)("time as %s becomes RFC 3339 in UTC with milliseconds", async ([, given, kept]) => {
    const { bus } = openBus();

    expect((await bus.emit("pipeline.start", { time: given })).event.time).toBe(kept);
  });

  test.for([
    ["2026-03-29"],
    ["2026-03-29T01:00:00"],
    ["yesterday"],
    ["2026-13-01T00:00:00Z"],
    ["2026-02-30T00:00:00Z"],
    ["2026-04-31T00:00:00+02:00"],
    ["2025-02-29T12:00:00Z"],
    ["2100-02-29t12:00:00z"],
    ["2026-01-00T00:00:00Z"],
    ["2026-01-31T24:00:00Z"],
    ["1774746000"],
    [""],
  ])("time %j is refused with what to write", async ([given]) => {
    const { bus } = openBus();

    const error = await refusal(bus.emit("pipeline.start", { time: given }));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain(JSON.stringify(given));
    expect(error.message).toContain("RFC 3339");
  });

  test("an invalid Date as time is refused", async () => {
    const { bus } = openBus();

    const error = await refusal(bus.emit("pipeline.start", { time: new Date(Number.NaN) }));

    expect(error.code).toBe("EVENT_INVALID");
  });
});

describe("JSON", () => {
  test("an event and all in it is frozen", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });

    const { event } = await bus.emitUnknown("a.b", {
      metadata: { deep: [{ x: [1, { y: 2 }] }], o: { p: { q: "r" } } },
      extensions: { tenant: "x" },
      error: new Error("e", { cause: new Error("c") }),
    });

    expect(frozenAll(event)).toBe(true);
    expect(frozenAll((await bus.emit("pipeline.start")).event)).toBe(true);
  });

  test("what is emitted is copied: changing it afterwards changes no event", async () => {
    const { bus } = openBus();
    const metadata = { list: [1], inner: { a: 1 } };

    const { event } = await bus.emit("pipeline.start", { metadata });
    metadata.list.push(2);
    metadata.inner.a = 2;

    expect(event.metadata).toEqual({ list: [1], inner: { a: 1 } });
    expect(Object.isFrozen(metadata)).toBe(false);
  });

  test("dates become ISO text and keys with undefined are left out, at any depth, also of unknown types", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });
    const metadata = {
      at: new Date(0),
      gone: undefined,
      list: [{ at: new Date(1), gone: undefined }],
    };

    for (const type of ["pipeline.start", "my.own"]) {
      const { event } = await bus.emitUnknown(type, { metadata: metadata as never });

      expect(event.metadata).toStrictEqual({
        at: "1970-01-01T00:00:00.000Z",
        list: [{ at: "1970-01-01T00:00:00.001Z" }],
      });
    }
  });

  test("the same object twice is no circle", async () => {
    const { bus } = openBus();
    const shared = { a: 1 };

    const { event } = await bus.emit("pipeline.start", { metadata: { x: shared, y: shared } });

    expect(event.metadata).toEqual({ x: { a: 1 }, y: { a: 1 } });
  });

  class Money {
    amount = 1;
  }
  const circular: Record<string, unknown> = { list: [] };
  (circular.list as unknown[]).push({ back: circular });
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1);
  test.for([
    ["a circular object", { x: circular }, "metadata.x.list[0].back"],
    ["a BigInt", { x: { rows: 10n } }, "metadata.x.rows"],
    ["a function", { f: () => 1 }, "metadata.f"],
    ["a symbol", { s: Symbol("s") }, "metadata.s"],
    ["an instance of a class", { list: [new Money()] }, "metadata.list[0]"],
    ["a Map", { m: new Map([[1, 2]]) }, "metadata.m"],
    ["a Buffer", { b: Buffer.from("x") }, "metadata.b"],
    ["a RegExp", { r: /x/ }, "metadata.r"],
    ["NaN", { n: Number.NaN }, "metadata.n"],
    ["infinity", { n: [Number.POSITIVE_INFINITY] }, "metadata.n[0]"],
    ["an invalid Date", { d: new Date("x") }, "metadata.d"],
    ["undefined in a list", { l: [1, undefined] }, "metadata.l[1]"],
    ["a hole in a list", { l: Object.assign([1], { 2: 1 }) }, "metadata.l[1]"],
    ["200 levels", { deep }, "metadata.deep[0]"],
  ] as const)("%s is refused, with its path", async ([, metadata, path]) => {
    const { bus } = openBus({ allowUnknownTypes: true });

    for (const type of ["pipeline.start", "my.own"]) {
      const error = await refusal(bus.emitUnknown(type, { metadata: metadata as never }));

      expect(error.code).toBe("EVENT_INVALID");
      expect(error.message).toContain(`Event "${type}": "${path}`);
    }
  });

  test("of a long path the middle is left out", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });
    const metadata = { ["k".repeat(100_000)]: [1n] };

    const error = await refusal(bus.emitUnknown("my.own", { metadata: metadata as never }));

    expect(error.message).toMatch(/"metadata\.k+ … k+\[0\]" is a BigInt/);
    expect(error.message.length).toBeLessThan(400);
  });

  test.for([
    ["a Map", new Map([["a", 1]])],
    ["a Date", new Date()],
    ["an instance", new Money()],
    ["a list", [1]],
    ["a text", "x"],
    ["a number", 4],
  ])("metadata that is %s is refused, not emptied", async ([, metadata]) => {
    const { bus } = openBus({ allowUnknownTypes: true });

    for (const type of ["pipeline.start", "my.own"]) {
      const error = await refusal(bus.emitUnknown(type, { metadata: metadata as never }));

      expect(error.code).toBe("EVENT_INVALID");
      expect(error.message).toContain("metadata");
    }
  });

  test("a key named __proto__ is data that changes no prototype", async () => {
    const { bus } = openBus();
    const metadata = JSON.parse('{"x": {"__proto__": {"admin": true}, "a": 1}}');

    const { event } = await bus.emit("pipeline.start", { metadata });
    const x = Reflect.get(event.metadata, "x") as object;

    expect(Object.getPrototypeOf(x)).toBe(Object.prototype);
    expect(Reflect.get(x, "admin")).toBeUndefined();
    expect(JSON.stringify(x)).toBe('{"__proto__":{"admin":true},"a":1}');
  });

  test("what stands under symbols, or was put into every object, is no data", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });
    const all = Object.prototype as { everywhere?: object };
    all.everywhere = { a: () => {} };
    onTestFinished(() => {
      delete all.everywhere;
    });

    const { event } = await bus.emitUnknown("my.own", {
      pipeline: "orders",
      metadata: { a: { b: 1, [Symbol("own")]: [] } } as never,
    });

    expect(Reflect.ownKeys(event.metadata)).toEqual(["a"]);
    expect(Reflect.ownKeys(event.metadata.a as object)).toEqual(["b"]);
  });

  test("whatever JSON value is emitted comes out as JSON would bring it back, and frozen", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });
    const property = fc.asyncProperty(
      fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        fc.jsonValue(),
      ),
      async (metadata) => {
        const { event } = await bus.emitUnknown("my.own", { metadata: metadata as never });

        expect(event.metadata).toStrictEqual(JSON.parse(JSON.stringify(metadata)));
        expect(frozenAll(event)).toBe(true);
      },
    );

    await fc.assert(property, { numRuns: 100 });
  });
});

describe("size", () => {
  const sizeOf = (event: PipehooksEvent) => Buffer.byteLength(JSON.stringify(event));

  test.for([
    ["plain text", "x", 1],
    ["two bytes a character", "é", 2],
    ["four bytes a character", "😀", 4],
    ["escapes of six bytes", "\u0001", 6],
    ["escapes of two bytes", '"', 2],
    ["lone surrogates, six bytes each", "\ud800", 6],
  ] as const)("the limit is exact to the byte: %s", async ([, unit, bytes]) => {
    const maxEventBytes = 3000;
    const { bus } = openBus({ maxEventBytes });
    const empty = await bus.emit("pipeline.start", { metadata: { pad: "", text: "" } });
    const room = maxEventBytes - sizeOf(empty.event);
    const metadata = {
      text: unit.repeat(Math.floor(room / bytes)),
      pad: "x".repeat(room % bytes),
    };

    const { event } = await bus.emit("pipeline.start", { metadata });
    const error = await refusal(
      bus.emit("pipeline.start", { metadata: { ...metadata, pad: `${metadata.pad}x` } }),
    );

    expect(sizeOf(event)).toBe(maxEventBytes);
    expect(error.code).toBe("EVENT_TOO_LARGE");
    expect(error.message).toContain(`${maxEventBytes + 1} bytes`);
    expect(error.message).toContain("maxEventBytes");
  });

  test("no event passes the limit, whatever it is made of", async () => {
    const maxEventBytes = 1200;
    const { bus } = openBus({ maxEventBytes, allowUnknownTypes: true });
    const name = fc.string({ minLength: 1, maxLength: 150, unit: "binary" });
    const property = fc.asyncProperty(
      fc.record({
        type: fc.stringMatching(/^[a-z]{1,200}\.[a-z]{1,100}$/),
        pipeline: name,
        table: name,
        metadata: fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 2 })),
        extensions: fc.dictionary(fc.stringMatching(/^[a-z\d]{1,20}$/), fc.boolean()),
      }),
      async ({ type, ...fields }) => {
        const emitted = await bus.emitUnknown(type, fields as never).catch((error) => error);
        if (emitted instanceof HookError) expect(emitted.code).toBe("EVENT_TOO_LARGE");
        else expect(sizeOf(emitted.event)).toBeLessThanOrEqual(maxEventBytes);
      },
    );

    await fc.assert(property, { numRuns: 60 });
  });

  test("the limit is exact for long types and all fields at once, too", async () => {
    const type = `a.${"b".repeat(300)}`;
    const fields = {
      hops: 16,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      metadata: { t: "\u0001".repeat(100) },
      error: { message: "\u0001".repeat(100) },
      extensions: { a: true },
    };
    const free = openBus({ allowUnknownTypes: true });
    const { event } = await free.bus.emitUnknown(type, fields);
    const bytes = sizeOf(event);

    const enough = openBus({ allowUnknownTypes: true, maxEventBytes: bytes });
    const short = openBus({ allowUnknownTypes: true, maxEventBytes: bytes - 1 });

    await enough.bus.emitUnknown(type, fields);
    expect((await refusal(short.bus.emitUnknown(type, fields))).code).toBe("EVENT_TOO_LARGE");
  });

  test("by default 256 KiB are the most", async () => {
    const { bus } = openBus();

    await bus.emit("pipeline.start", { metadata: { text: "x".repeat(256 * 1024 - 300) } });
    const error = await refusal(
      bus.emit("pipeline.start", { metadata: { text: "x".repeat(256 * 1024) } }),
    );

    expect(error.message).toContain("the most is 262144");
  });
});

describe("fields", () => {
  test.for([[5], ["text"], [[]], [() => {}]] as const)("%o are none", async ([fields]) => {
    const { bus } = openBus();

    const error = await refusal(bus.emitUnknown("pipeline.start", fields as never));

    expect(error).toMatchObject({ code: "EVENT_INVALID" });
    expect(error.message).toContain("Give an object");
  });

  test("an unknown field is refused with where own data belongs", async () => {
    const { bus } = openBus();

    const error = await refusal(bus.emitUnknown("pipeline.start", { rows: 4 } as never));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain('"rows"');
    expect(error.message).toContain("metadata");
    expect(error.message).not.toContain("Did you mean");
  });

  test("of a misspelt field, or type, the right one is named", async () => {
    const { bus } = openBus({ events: { "data.checked": z.object({}) } });

    const field = await refusal(bus.emitUnknown("pipeline.start", { pipline: "x" } as never));
    const builtIn = await refusal(bus.emitUnknown("pipeline.ended"));
    const own = await refusal(bus.emitUnknown("data.cheked"));
    const far = await refusal(bus.emitUnknown("orders.shipped"));

    expect(field.message).toContain('unknown field "pipline". Did you mean "pipeline"? Put own');
    expect(builtIn.message).toContain('nor defined. Did you mean "pipeline.end"? Define it');
    expect(own.message).toContain('Did you mean "data.checked"?');
    expect(far.message).not.toContain("Did you mean");
  });

  test.for([
    ["id", ""],
    ["id", 7],
    ["source", ""],
    ["subject", {}],
    ["pipeline", 1],
    ["flowgroup", ""],
    ["action", []],
    ["table", false],
    ["runId", 12],
    ["causedBy", 5],
  ] as const)("%s as %j is refused by name", async ([name, value]) => {
    const { bus } = openBus();

    const error = await refusal(bus.emitUnknown("pipeline.start", { [name]: value } as never));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain(`"${name}"`);
  });

  test.for([
    ["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
    [`00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
    [`00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`],
    ["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ["00-4bf9-00f067aa0ba902b7-01"],
    ["x"],
  ])("traceparent %s is refused", async ([traceparent]) => {
    const { bus } = openBus();

    const error = await refusal(bus.emit("pipeline.start", { traceparent }));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain("traceparent");
  });

  test.for([
    ["an upper-case name", { Tenant: "x" }, "Tenant"],
    ["a dashed name", { "my-tenant": "x" }, "my-tenant"],
    ["an object as value", { tenant: {} }, "tenant"],
    ["null as value", { tenant: null }, "tenant"],
    ["NaN as value", { tenant: Number.NaN }, "tenant"],
    ["a text", "abc", "extensions"],
    ["a list", ["a"], "extensions"],
    ["null", null, "extensions"],
  ])("extensions with %s are refused", async ([, extensions, named]) => {
    const { bus } = openBus();

    const error = await refusal(bus.emitUnknown("pipeline.start", { extensions } as never));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain(named);
  });

  test.for([[-1], [1.5], [Number.NaN], ["3"]])("hops of %j are refused", async ([hops]) => {
    const { bus } = openBus();

    const error = await refusal(bus.emitUnknown("pipeline.start", { hops } as never));

    expect(error.code).toBe("EVENT_INVALID");
  });

  test("sixteen hops are taken and the seventeenth is refused as a loop", async () => {
    const { bus } = openBus();

    await bus.emit("pipeline.start", { hops: mostHops });
    const error = await refusal(bus.emit("pipeline.start", { hops: mostHops + 1, causedBy: "e" }));

    expect(mostHops).toBe(16);
    expect(error.code).toBe("EVENT_LOOP");
    expect(error.message).toContain("caused by event e");
  });

  test("a loop of which no cause is given is refused without naming one", async () => {
    const { bus } = openBus();

    const error = await refusal(bus.emit("pipeline.start", { hops: 99 }));

    expect(error.code).toBe("EVENT_LOOP");
    expect(error.message).toContain("99 others in a chain of causes (the most is 16). Two hooks");
  });

  test.for([
    ["without a message", { class: "X" }],
    ["with an unknown key", { message: "m", line: 4 }],
    ["with another severity", { message: "m", severity: "FATAL" }],
    ["that is text", "m"],
    ["that is null", null],
  ])("an error %s is refused", async ([, error]) => {
    const { bus } = openBus();

    const refused = await refusal(bus.emitUnknown("pipeline.error", { error } as never));

    expect(refused.code).toBe("EVENT_INVALID");
    expect(refused.message).toContain('"error"');
  });
});

describe("types", () => {
  test("an unknown type is refused with both remedies", async () => {
    const { bus } = openBus();

    const error = await refusal(bus.emitUnknown("data.quality_check"));

    expect(error.code).toBe("EVENT_TYPE_UNKNOWN");
    expect(error.message).toContain('"data.quality_check"');
    expect(error.message).toContain("defineEvents");
    expect(error.message).toContain("allowUnknownTypes");
  });

  test("unknown types are taken when that is allowed", async () => {
    const { bus } = openBus({ allowUnknownTypes: true });

    const { event } = await bus.emitUnknown("data.quality_check", { metadata: { rows: 1 } });

    expect(event.type).toBe("data.quality_check");
  });

  test.for([
    ["Upper.case"],
    ["with space"],
    [""],
    ["a..b"],
    [".a"],
    ["a."],
    ["__proto__"],
    ["1a"],
  ] as const)("%j is no type, allowed or not", async ([type]) => {
    const { bus } = openBus({ allowUnknownTypes: true });

    const error = await refusal(bus.emitUnknown(type));

    expect(error.code).toBe("EVENT_INVALID");
    expect(eventTypePattern.test(type)).toBe(false);
  });

  test.for([["constructor"], ["toString"], ["hasownproperty"]] as const)(
    "%s is not taken for a known type",
    async ([type]) => {
      const { bus } = openBus();

      await expect(bus.emitUnknown(type)).rejects.toThrow(HookError);
    },
  );

  test("metadata of built-in types is checked, and left open otherwise", async () => {
    const { bus } = openBus();

    const { event } = await bus.emit("pipeline.end", { metadata: { rows: 3, custom: "x" } });
    const error = await refusal(bus.emit("pipeline.end", { metadata: { rows: -1 } }));

    expect(event.metadata).toEqual({ rows: 3, custom: "x" });
    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain("rows");
  });

  test("own types are checked by zod, whose defaults and transforms take effect", async () => {
    const events = defineEvents({
      "data.quality_check": z.object({
        table: z.string().transform((text) => text.toUpperCase()),
        failedRows: z.int().min(0).default(0),
      }),
    });
    const { bus } = openBus({ events });

    const { event } = await bus.emit("data.quality_check", { metadata: { table: "orders" } });
    const error = await refusal(
      bus.emitUnknown("data.quality_check", { metadata: { table: 4, failedRows: -1 } }),
    );

    expect(event.metadata).toEqual({ table: "ORDERS", failedRows: 0 });
    expect(error.message).toContain("table: ");
    expect(error.message).toContain("failedRows: ");
  });

  test("own types are checked by any Standard Schema validator", async () => {
    const events = defineEvents({
      "my.own": byHand((value) =>
        Reflect.get(Object(value), "n") === 1
          ? { value: { n: 1, seen: true } }
          : { issues: [{ message: "must be 1", path: [{ key: "n" }] }] },
      ),
    });
    const { bus } = openBus({ events });

    const { event } = await bus.emitUnknown("my.own", { metadata: { n: 1 } });
    const error = await refusal(bus.emitUnknown("my.own", { metadata: { n: 2 } }));

    expect(event.metadata).toEqual({ n: 1, seen: true });
    expect(error.message).toContain("n: must be 1");
  });

  test("a schema that checks asynchronously is refused", async () => {
    const events = defineEvents({
      "my.own": z.object({}).refine(async () => false),
    });
    const { bus } = openBus({ events });

    const error = await refusal(bus.emit("my.own"));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain("asynchronous");
  });

  test.for([
    ["zod", z.looseObject({}), "something threw"],
    ["another library", byHand((value) => ({ value: { ...Object(value) } })), "judge: no such row"],
  ] as const)("metadata that throws while %s reads it is refused", async ([, schema, why]) => {
    const { bus } = openBus({ events: defineEvents({ "my.own": schema }) });
    const metadata = {
      get rows(): number {
        throw new Error("no such row");
      },
    };

    const error = await refusal(bus.emitUnknown("my.own", { metadata }));

    expect(error.code).toBe("EVENT_INVALID");
    expect(error.message).toContain(why);
  });

  test("a schema that gives no object is refused", async () => {
    const events = defineEvents({ "my.own": z.object({}).transform(() => "text") });
    const { bus } = openBus({ events });

    expect((await refusal(bus.emit("my.own"))).code).toBe("EVENT_INVALID");
  });

  test.for([
    ["Bad Name", "not a dotted lower-case name"],
    ["pipeline.end", "built in"],
    ["pipehooks.delivery.mine", "built in"],
  ] as const)("%s cannot be defined, by defineEvents or in the options of a bus", ([name, why]) => {
    expect(() => defineEvents({ [name]: z.object({}) })).toThrow(why);
    expect(() => openBus({ events: { [name]: z.object({}) } })).toThrow(why);
  });
});

describe("identity", () => {
  const event = (source: string, id: string) => ({ source, id }) as PipehooksEvent;

  test("the idempotency key depends on source, id and hook, and has letters, digits, _ and - only", () => {
    const keys = [
      idempotencyKeyOf(event("/a", "1"), "h"),
      idempotencyKeyOf(event("/b", "1"), "h"),
      idempotencyKeyOf(event("/a", "2"), "h"),
      idempotencyKeyOf(event("/a", "1"), "i"),
      idempotencyKeyOf(event("/a", "1. é/\n"), "h"),
      idempotencyKeyOf(event("/a", "é".repeat(500)), "h"),
      idempotencyKeyOf(event("/a", "x".repeat(40)), "h"),
      idempotencyKeyOf(event("/a", "x".repeat(41)), "h"),
    ];

    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[\w-]{20,60}$/);
    expect(idempotencyKeyOf(event("/a", "1"), "h")).toBe(keys[0]);
    expect(idempotencyKeyOf(event("/b", "1"), "h")).toBe(keys[1]);
  });

  test("the event's id can be read in the idempotency key, where it is fit for a header", () => {
    const id = "01a2b3c4-0000-7000-8000-00000000000a";

    expect(idempotencyKeyOf(event("/a", id), "h")).toMatch(new RegExp(`^ph_${id}_[0-9a-f]{16}$`));
    expect(idempotencyKeyOf(event("/a", "a.b"), "h")).toMatch(/^phx_[0-9a-f]{32}_[0-9a-f]{16}$/);
  });

  test("the idempotency key is the same however many hooks and sources there were between", () => {
    const first = idempotencyKeyOf(event("/a", "1"), "h");

    for (let n = 0; n < 3000; n += 1) idempotencyKeyOf(event("/a", "1"), `h${n}`);

    expect(idempotencyKeyOf(event("/a", "1"), "h")).toBe(first);
  });
});
