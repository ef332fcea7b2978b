import { spawnSync } from "node:child_process";
import { createMemoryStore, type PipehooksEvent, type Store, toEventError } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { openBus } from "./virtual-bus.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

// A test run under a tracer has one of its own.
beforeEach(() => void vi.stubEnv("TRACEPARENT", undefined));

function listen(options: Parameters<typeof openBus>[0] = {}) {
  const opened = openBus(options);
  const events: PipehooksEvent[] = [];
  opened.bus.on("*", (event) => void events.push(event));
  return { ...opened, events, types: () => events.map(({ type }) => type) };
}

describe("a pipeline's run", () => {
  test("its events come at the points and in the order of the lakehouse-plumber document", async () => {
    const { bus, events } = listen();

    await bus.pipeline("orders", async (p) => {
      await p.flowgroup("ingest", async (f) => {
        await f.action("load", async (a) => {
          a.table("raw.orders", { rows: 3 });
        });
      });
    });

    expect(
      events.map(({ type, pipeline, flowgroup, action, table }) => [
        type,
        pipeline,
        flowgroup,
        action,
        table,
      ]),
    ).toEqual([
      ["pipeline.start", "orders", undefined, undefined, undefined],
      ["flowgroup.start", "orders", "ingest", undefined, undefined],
      ["action.start", "orders", "ingest", "load", undefined],
      ["table.created", "orders", "ingest", "load", "raw.orders"],
      ["action.end", "orders", "ingest", "load", undefined],
      ["flowgroup.end", "orders", "ingest", undefined, undefined],
      ["pipeline.end", "orders", undefined, undefined, undefined],
    ]);
  });

  test("its ids sort in that order, and one run id is on all of them", async () => {
    const { bus, events } = listen();

    const runId = await bus.pipeline("orders", (p) =>
      p.flowgroup("ingest", (f) => f.action("load", (a) => a.runId)),
    );

    const ids = events.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(events.map((event) => event.runId))).toEqual(new Set([runId]));
    expect(runId).toMatch(/^[\da-f-]{36}$/);
  });

  test("run id, metadata and traceparent can be given", async () => {
    const { bus, events } = listen();

    await bus.pipeline("orders", () => {}, {
      runId: "run-7",
      metadata: { branch: "main" },
      traceparent,
    });

    expect(events.map(({ runId }) => runId)).toEqual(["run-7", "run-7"]);
    expect(events.map((event) => event.traceparent)).toEqual([traceparent, traceparent]);
    expect(events[0]?.metadata).toEqual({ branch: "main" });
  });

  test("traceparent comes from the environment, and an option wins over it", async () => {
    vi.stubEnv("TRACEPARENT", traceparent);
    const other = traceparent.replace("4bf9", "aaaa");
    const { bus, events } = listen();

    await bus.pipeline("orders", () => {});
    await bus.pipeline("orders", () => {}, { traceparent: other });

    expect(events.map((event) => event.traceparent)).toEqual([
      traceparent,
      traceparent,
      other,
      other,
    ]);
  });

  test("a pipeline inside another one goes on with its traceparent, and one of its own wins", async () => {
    vi.stubEnv("TRACEPARENT", traceparent.replace("4bf9", "aaaa"));
    const own = traceparent.replace("4bf9", "bbbb");
    const { bus, events } = listen();

    await bus.pipeline(
      "outer",
      async () => {
        await bus.pipeline("inner", () => {});
        await bus.pipeline("other", () => {}, { traceparent: own });
      },
      { traceparent },
    );
    await bus.pipeline("after", () => {});

    const ends = events.filter(({ type }) => type === "pipeline.end");
    expect(ends.map((event) => [event.pipeline, event.traceparent])).toEqual([
      ["inner", traceparent],
      ["other", own],
      ["outer", traceparent],
      ["after", process.env.TRACEPARENT],
    ]);
    expect(new Set(ends.map(({ runId }) => runId)).size).toBe(4);
  });

  test.for(["", "rubbish"])("TRACEPARENT=%j loses no event", async (value) => {
    vi.stubEnv("TRACEPARENT", value);
    const { bus, events, log } = listen();

    await bus.pipeline("orders", () => {});

    expect(events.map((event) => event.traceparent)).toEqual([undefined, undefined]);
    expect(log).toHaveLength(value === "" ? 0 : 1);
  });

  test("results are handed through, of plain and of asynchronous code", async () => {
    const { bus } = listen();

    const result = await bus.pipeline("orders", async (p) => [
      await p.action("plain", () => 1),
      await p.flowgroup("f", async (f) => f.action("async", async () => "2")),
    ]);

    expect(result).toEqual([1, "2"]);
  });

  test("rows are added up over calls and over the steps inside", async () => {
    const { bus, events } = listen();

    await bus.pipeline("orders", async (p) => {
      p.rows(1);
      await p.flowgroup("one", async (f) => {
        await f.action("a", (a) => {
          a.rows(10);
          a.rows(20);
        });
        await f.action("b", (a) => a.rows(100));
      });
      await p.action("c", (a) => a.rows(1000));
      await p.action("none", () => {});
    });

    const rows = events
      .filter(({ type }) => type.endsWith(".end"))
      .map(({ action, flowgroup, metadata }) => [action ?? flowgroup ?? "all", metadata.rows]);
    expect(rows).toEqual([
      ["a", 30],
      ["b", 100],
      ["one", 130],
      ["c", 1000],
      ["none", undefined],
      ["all", 1131],
    ]);
  });

  test.for([-1, 1.5, Number.NaN])("rows(%d) is logged and costs no event", async (count) => {
    const { bus, types, log } = listen();

    await bus.pipeline("orders", (p) => p.rows(count));

    expect(types()).toEqual(["pipeline.start", "pipeline.end"]);
    expect(log).toEqual([expect.stringContaining(`counts ${count} rows`)]);
  });

  test("the end carries the duration in seconds and what the code added", async () => {
    const { bus, events } = listen();
    const wait = () => new Promise((resolve) => setTimeout(resolve, 30));

    await bus.pipeline("orders", async (p) => {
      p.add({ source: "s3" });
      await p.action("load", wait);
    });

    const [, , action, pipeline] = events;
    expect(action?.metadata.duration).toBeGreaterThanOrEqual(0.025);
    expect(action?.metadata.duration).toBeLessThan(5);
    expect(pipeline?.metadata.duration).toBeGreaterThanOrEqual(action?.metadata.duration as number);
    expect(pipeline?.metadata.source).toBe("s3");
  });
});

describe("errors", () => {
  test("the code's own error is rethrown, the same object, and told at each level", async () => {
    const { bus, events, types } = listen();
    const error = Object.freeze(new TypeError("no such file"));

    const thrown = await bus
      .pipeline("orders", (p) =>
        p.flowgroup("ingest", (f) =>
          f.action("load", (a) => {
            a.rows(2);
            throw error;
          }),
        ),
      )
      .catch((caught: unknown) => caught);

    expect(thrown).toBe(error);
    expect(types()).toEqual([
      "pipeline.start",
      "flowgroup.start",
      "action.start",
      "action.error",
      "flowgroup.error",
      "pipeline.error",
    ]);
    const last = events.at(-1);
    expect(last?.error).toMatchObject({
      class: "TypeError",
      message: "no such file",
      severity: "ERROR",
      stack: expect.stringContaining("instrument.test.ts"),
    });
    expect(last?.metadata).toEqual({ duration: expect.any(Number), rows: 2 });
  });

  test.for([["text"], [undefined], [null], [42], [Symbol("s")], [{ reason: "x" }]])(
    "what is no error is rethrown as it is: %s",
    async ([value]) => {
      const { bus, events } = listen();

      const thrown = await bus
        .pipeline("orders", () => {
          throw value;
        })
        .then(
          () => expect.fail("did not throw"),
          (caught: unknown) => caught,
        );

      expect(thrown).toBe(value);
      expect(events.at(-1)?.error?.class).toBe(typeof value);
    },
  );

  test.for([
    ["a message that is no text", Object.assign(new Error("x"), { message: { a: 1 } })],
    ["no message at all", Object.assign(new Error("x"), { message: undefined })],
    ["a name that is no text", Object.assign(new Error("x"), { name: 7 })],
    ["a stack that is no text", Object.assign(new Error("x"), { stack: 7 })],
    ["errors that are no list", Object.assign(new AggregateError([]), { errors: 1 })],
    ["no prototype", Object.create(null)],
    [
      "a message that throws",
      Object.defineProperty(new Error("x"), "message", {
        get: () => {
          throw new Error("no");
        },
      }),
    ],
  ] as const)("an error with %s is rethrown and told", async ([, error]) => {
    const { bus, types } = listen();

    const thrown = await bus
      .pipeline("orders", () => {
        throw error;
      })
      .catch((caught: unknown) => caught);

    expect(Object.is(thrown, error)).toBe(true);
    expect(types()).toEqual(["pipeline.start", "pipeline.error"]);
  });

  test("code and the chain of causes are taken along, nearest first", () => {
    const root = new RangeError("root");
    const middle = new Error("middle", { cause: root });
    const error = Object.assign(new TypeError("top", { cause: middle }), { code: "ENOENT" });

    expect(toEventError(error)).toMatchObject({
      class: "TypeError",
      message: "top",
      code: "ENOENT",
      causes: [
        { class: "Error", message: "middle" },
        { class: "RangeError", message: "root" },
      ],
    });
  });

  test("an AggregateError tells its errors as causes", () => {
    const error = new AggregateError(
      [new TypeError("one", { cause: "deeper" }), new RangeError("two"), "three"],
      "all failed",
      { cause: new Error("why") },
    );

    expect(toEventError(error)).toMatchObject({
      class: "AggregateError",
      message: "all failed",
      causes: [
        { class: "Error", message: "why" },
        { class: "TypeError", message: "one" },
        { message: "deeper" },
        { class: "RangeError", message: "two" },
        { message: "three" },
      ],
    });
  });

  test("causes that go round in a circle are told once, and a long chain is cut", () => {
    const first = new Error("first");
    const second = new Error("second", { cause: first });
    first.cause = second;
    let long = new Error("0");
    for (let index = 1; index < 50; index += 1) long = new Error(`${index}`, { cause: long });

    expect(toEventError(first).causes).toEqual([{ class: "Error", message: "second" }]);
    expect(toEventError(long).causes).toHaveLength(10);
  });

  test("a class of one's own is named, and long texts are cut", () => {
    class AnalysisException extends Error {}

    const told = toEventError(new AnalysisException("x".repeat(100_000)), "CRITICAL");

    expect(told.class).toBe("AnalysisException");
    expect(told.severity).toBe("CRITICAL");
    expect(told.message.length).toBeLessThan(10_000);
  });
});

describe("context", () => {
  test("a plain emit inside inherits pipeline, flowgroup, action, run id and traceparent; outside it does not", async () => {
    const { bus, events } = listen({ allowUnknownTypes: true });

    await bus.pipeline(
      "orders",
      async (p) => {
        await bus.emitUnknown("in.pipeline");
        await p.flowgroup("ingest", async (f) => {
          await f.action("load", async () => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            await bus.emitUnknown("in.action");
            await bus.emitUnknown("in.action", { pipeline: "mine", runId: "my-run" });
          });
          await bus.emitUnknown("in.flowgroup");
        });
      },
      { runId: "run", traceparent },
    );
    await bus.emitUnknown("out.side");

    const own = events.filter(({ type }) => type.startsWith("in.") || type.startsWith("out."));
    expect(
      own.map((event) => [
        event.pipeline,
        event.flowgroup,
        event.action,
        event.runId,
        event.traceparent,
      ]),
    ).toEqual([
      ["orders", undefined, undefined, "run", traceparent],
      ["orders", "ingest", "load", "run", traceparent],
      ["mine", "ingest", "load", "my-run", traceparent],
      ["orders", "ingest", undefined, "run", traceparent],
      [undefined, undefined, undefined, undefined, undefined],
    ]);
  });

  test("pipelines that run at the same time do not mix", async () => {
    const { bus, events } = listen({ allowUnknownTypes: true });
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);

    await Promise.all(
      names.map((name, index) =>
        bus.pipeline(name, async (p) => {
          await p.action(`a${index}`, async () => {
            await new Promise((resolve) => setTimeout(resolve, (index * 7) % 5));
            await bus.emitUnknown("in.side", { metadata: { index } });
          });
        }),
      ),
    );

    const inside = events.filter(({ type }) => type === "in.side");
    expect(inside).toHaveLength(20);
    for (const { pipeline, action, metadata } of inside) {
      expect([pipeline, action]).toEqual([`p${metadata.index}`, `a${metadata.index}`]);
    }
  });

  test("the scope's own functions know where they belong, also where the context is lost", async () => {
    const { bus, events } = listen();
    const later: (() => void)[] = [];

    await Promise.all([
      bus.pipeline("one", (p) =>
        p.action("load", async (a) => {
          later.push(() => a.table("of.one"));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }),
      ),
      bus.pipeline("two", async (p) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        await p.action("other", () => {
          for (const call of later) call();
        });
      }),
    ]);

    const table = events.find(({ type }) => type === "table.created");
    expect([table?.pipeline, table?.action, table?.table]).toEqual(["one", "load", "of.one"]);
  });

  test("a listener's emit inherits from where the event was emitted, whoever else emitted in that turn", async () => {
    const { bus, events } = listen({ allowUnknownTypes: true });
    bus.on("table.created", ({ table }) => {
      void bus.emitUnknown("checked.table", { table });
    });

    await Promise.all(
      ["p1", "p2", "p3"].map((name) =>
        bus.pipeline(name, (p) => p.action("load", (a) => a.table(`t-${name}`))),
      ),
    );
    await bus.emit("table.created", { table: "t-none" });
    await new Promise(setImmediate);

    const checked = events.filter(({ type }) => type === "checked.table");
    expect(checked.map(({ table, pipeline }) => [table, pipeline])).toEqual([
      ["t-p1", "p1"],
      ["t-p2", "p2"],
      ["t-p3", "p3"],
      ["t-none", undefined],
    ]);
  });

  test("a hook runs in no pipeline's context: what it emits on the bus inherits nothing by chance", async () => {
    const time = createVirtualTime();
    const { bus, events } = listen({
      time,
      allowUnknownTypes: true,
      hooks: [
        {
          name: "one",
          events: "*.start",
          hook: async () => void (await bus.emitUnknown("from.hook")),
        },
      ],
    });

    // What the bus does at its start must not be what takes up the delivery.
    await time.advance(0);
    await bus.pipeline("orders", () => {});
    await time.advance(0);

    const [emitted] = events.filter(({ type }) => type === "from.hook");
    expect(emitted).toBeDefined();
    expect(emitted?.pipeline).toBeUndefined();
  });
});

describe("harmlessness", () => {
  test("a failing store never breaks the code, and what was not stored is logged", async () => {
    const store: Store = {
      ...createMemoryStore(),
      accept: () => Promise.reject(new Error("disk on fire")),
    };
    const { bus, log } = openBus({ store });
    const error = new Error("mine");

    const result = await bus.pipeline("orders", (p) => p.action("load", () => "fine"));
    const thrown = await bus
      .pipeline("orders", () => {
        throw error;
      })
      .catch((caught: unknown) => caught);

    expect(result).toBe("fine");
    expect(thrown).toBe(error);
    expect(log.length).toBeGreaterThan(0);
    expect(log.every((line) => line.includes("disk on fire"))).toBe(true);
  });

  test("the run's events are stored before the pipeline's promise resolves", async () => {
    const { bus } = openBus();

    await bus.pipeline("orders", () => {});

    expect(await bus.store.events({})).toHaveLength(2);
  });

  test("a process that dies of its pipeline's error has stored pipeline.error", () => {
    const program = `
      import { createMemoryStore, createPipehooks } from ${JSON.stringify(import.meta.resolve("@pipehooks/core"))};
      const store = createMemoryStore();
      const bus = createPipehooks({ store: { ...store, async accept(batch) {
        const accepted = await store.accept(batch);
        for (const { event } of batch) process.stdout.write(event.type + "\\n");
        return accepted;
      } } });
      await bus.pipeline("orders", () => { throw new Error("fatal"); });
    `;

    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
    });

    expect(stdout).toBe("pipeline.start\npipeline.error\n");
    expect(status).toBe(1);
  });
});
