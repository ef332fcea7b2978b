import type { PipehooksEvent } from "@pipehooks/core";
import { describe, expect, test } from "vitest";
import { openBus } from "./virtual-bus.ts";

function listen(options: Parameters<typeof openBus>[0] = {}) {
  const opened = openBus(options);
  const events: PipehooksEvent[] = [];
  opened.bus.on("*", (event) => void events.push(event));
  return { ...opened, events, types: () => events.map(({ type }) => type) };
}

describe("what no event can carry", () => {
  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  const bad: readonly (readonly [string, object])[] = [
    ["NaN", { bad: 0 / 0 }],
    ["a BigInt", { bad: 1n }],
    ["a Map", { bad: new Map() }],
    ["an invalid Date", { bad: { at: new Date("x") } }],
    ["a function", { bad: [() => 1] }],
    ["a circle", { bad: circle }],
    ["a text of 300 KB", { bad: "x".repeat(300_000) }],
  ];

  test.for(bad)("(%s) is left out of the end, and of the error", async ([, metadata]) => {
    const { bus, events, log } = listen();
    const error = new Error("load failed");

    const thrown = await bus
      .pipeline("orders", async (p) => {
        p.add({ source: "s3" });
        p.add(metadata);
        await p.action("load", (a) => a.add({ ...metadata, files: 3 }));
        throw error;
      })
      .catch((caught: unknown) => caught);

    expect(thrown).toBe(error);
    const [, , action, pipeline] = events;
    expect(action?.type).toBe("action.end");
    expect(action?.metadata).toEqual({ duration: expect.any(Number), files: 3 });
    expect(pipeline?.type).toBe("pipeline.error");
    expect(pipeline?.metadata).toEqual({ duration: expect.any(Number), source: "s3" });
    expect(pipeline?.error?.message).toBe("load failed");
    expect(log).toEqual([
      expect.stringMatching(
        /^warn: action\.end of action "load" of pipeline "orders" goes without metadata "bad"\. Event "action\.end"/,
      ),
      expect.stringMatching(
        /^warn: pipeline\.error of pipeline "orders" goes without metadata "bad"\. Event "pipeline\.error"/,
      ),
    ]);
  });

  test("is logged with its path and what to do", async () => {
    const { bus, log } = openBus();

    await bus.pipeline("orders", (p) =>
      p.flowgroup("ingest", (f) => f.add({ stats: { ratio: Number.NaN } })),
    );

    expect(log).toEqual([
      'warn: flowgroup.end of flowgroup "ingest" of pipeline "orders" goes without metadata "stats". ' +
        'Event "flowgroup.end": "metadata.stats.ratio" is NaN, which JSON cannot carry. ' +
        "Give a finite number, null, or leave it out.",
    ]);
  });

  test.for(bad)("(%s) is left out of the start and of tables, too", async ([, metadata]) => {
    const { bus, events } = listen();

    await bus.pipeline(
      "orders",
      (p) => p.action("load", (a) => a.table("sales.orders", { ...metadata, rows: 2 })),
      { metadata: { ...metadata, branch: "main" } },
    );

    expect(events.map(({ type }) => type)).toEqual([
      "pipeline.start",
      "action.start",
      "table.created",
      "action.end",
      "pipeline.end",
    ]);
    expect(events[0]?.metadata).toEqual({ branch: "main" });
    expect(events[2]).toMatchObject({ table: "sales.orders", action: "load" });
    expect(events[2]?.metadata).toEqual({ rows: 2 });
  });

  test("as metadata that do not fit the type are left out, too", async () => {
    const { bus, events } = listen();

    await bus.pipeline("orders", (p) => {
      p.rows(Number.MAX_SAFE_INTEGER);
      p.rows(1);
      p.add({ duration: "long", note: "x" });
    });
    await bus.pipeline("orders", () => {}, { metadata: new Map() as never });

    expect(events[1]?.metadata).toEqual({ note: "x" });
    expect(events.map(({ type }) => type)).toEqual([
      ...["pipeline.start", "pipeline.end", "pipeline.start", "pipeline.end"],
    ]);
  });

  test("what throws when it is read breaks no code", async () => {
    const { bus, types, log } = listen();
    const unreadable = {
      get rows(): number {
        throw new Error("gone");
      },
    };

    const result = await bus.pipeline(
      "orders",
      (p) => {
        p.add(unreadable);
        return 1;
      },
      { metadata: unreadable },
    );

    expect(result).toBe(1);
    expect(types()).toEqual(["pipeline.start", "pipeline.end"]);
    expect(log.join("\n")).toMatch(
      /metadata "rows".*\n.*What pipeline "orders" adds to its end cannot be read: gone/,
    );
  });

  test("of too much the largest goes, and only as much as must", async () => {
    const { bus, events, log } = listen({ maxEventBytes: 2000 });

    await bus.pipeline("orders", (p) =>
      p.add({ notes: "n".repeat(900), sql: "s".repeat(1500), query: "q".repeat(600), files: 3 }),
    );

    expect(Object.keys(events[1]?.metadata ?? {})).toEqual(["duration", "notes", "query", "files"]);
    expect(log).toEqual([expect.stringContaining('goes without metadata "sql". Event "pipel')]);
  });

  test.for([
    ["a message", () => new Error("\u0001".repeat(300_000))],
    [
      "ten causes",
      () => {
        let error = new Error("root");
        for (let index = 0; index < 20; index += 1) {
          error = new Error("€".repeat(300_000), { cause: error });
        }
        return error;
      },
    ],
    [
      "a code and a name",
      () => Object.assign(new Error("m"), { code: "€".repeat(300_000), name: "n".repeat(300_000) }),
    ],
  ] as const)("an error with %s of 300 KB arrives, cut", async ([, create]) => {
    const { bus, events, log } = listen();
    const error = create();

    const thrown = await bus
      .pipeline("orders", () => {
        throw error;
      })
      .catch((caught: unknown) => caught);
    const emitted = await bus.emit("pipeline.error", { error });

    expect(thrown).toBe(error);
    expect(events[1]).toMatchObject({ type: "pipeline.error", pipeline: "orders" });
    expect(events[1]?.error?.causes).toEqual(emitted.event.error?.causes);
    expect(log).toEqual([]);
  });

  test.for([2000, 4000, 16_000])(
    "an error is cut to an event of at most %d bytes",
    async (most) => {
      const { bus, events, log } = listen({ maxEventBytes: most });
      const cause = new TypeError("€".repeat(300_000), { cause: new Error("root") });

      await bus
        .pipeline("orders", (p) => {
          p.rows(3);
          throw new Error("€".repeat(300_000), { cause });
        })
        .catch(() => {});

      const last = events.at(-1);
      expect(last).toMatchObject({ type: "pipeline.error", metadata: { rows: 3 } });
      expect(last?.error).toMatchObject({
        message: expect.stringContaining("€€€€€€€€"),
        causes: [{ class: "TypeError" }, { message: "root" }],
      });
      expect(log).toEqual([
        expect.stringContaining("goes without the end of its error's texts. Event"),
      ]);
    },
  );

  test("at all is logged as lost, and the code goes on", async () => {
    const { bus, log } = openBus({ maxEventBytes: 100 });

    const result = await bus.pipeline("orders", () => 1);

    expect(result).toBe(1);
    expect(log.filter((line) => line.startsWith("error: "))).toEqual([
      expect.stringContaining('Event "pipeline.start" is'),
      expect.stringContaining('Event "pipeline.end" is'),
    ]);
  });
});

describe("names", () => {
  test.for([[""], [5], [null], ["r".repeat(300_000)]])(
    "the runId %j counts as none: the run gets one, which is logged",
    async ([runId]) => {
      const { bus, events, log } = listen();

      const given = await bus.pipeline(
        "orders",
        async (p) => {
          await bus.emit("table.created", { table: "t" });
          return p.runId;
        },
        { runId: runId as string },
      );

      expect(given).toMatch(/^[\da-f-]{36}$/);
      expect(events.map((event) => event.runId)).toEqual([given, given, given]);
      expect(log).toEqual([
        expect.stringMatching(/^warn: The runId .{1,90} of pipeline "orders" counts as none/),
      ]);
    },
  );

  test.for([[""], [undefined], [5], ["n".repeat(300_000)]])(
    "what is none (%j) is left out and logged, and costs no event",
    async ([name]) => {
      const { bus, events, log } = listen();
      const none = name as string;

      await bus
        .pipeline(none, (p) =>
          p.flowgroup(none, (f) =>
            f.action(none, async (a) => {
              a.table(none);
              await bus.emit("table.created", { table: "t" });
              throw new Error("load failed");
            }),
          ),
        )
        .catch(() => {});

      expect(events.map(({ type }) => type)).toEqual([
        "pipeline.start",
        "flowgroup.start",
        "action.start",
        "table.created",
        "table.created",
        "action.error",
        "flowgroup.error",
        "pipeline.error",
      ]);
      expect(events[0]).not.toHaveProperty("pipeline");
      expect(log).toEqual(
        ["pipeline", "flowgroup", "action", "table"].map((what) =>
          expect.stringMatching(new RegExp(`^warn: The ${what} name .{1,90} is left out`)),
        ),
      );
    },
  );
});
