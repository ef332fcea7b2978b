import {
  compileCondition,
  compilePatterns,
  compileTypePatterns,
  conditionErrorAt,
  deliveryEventTypes,
  type HookConfig,
  type PipehooksEvent,
} from "@pipehooks/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openBus } from "./virtual-bus.ts";

/** Names of the hooks that an event reaches. */
async function reached(
  hooks: Readonly<Record<string, Omit<HookConfig, "name" | "hook">>>,
  type: string,
  fields: object = {},
) {
  const { bus, log } = openBus({
    allowUnknownTypes: true,
    hooks: Object.entries(hooks).map(([name, config]) => ({ name, hook: () => {}, ...config })),
  });
  const { deliveries } = await bus.emitUnknown(type, fields);
  return { names: deliveries.map(({ hook }) => hook), log };
}

describe("globs", () => {
  test.for([
    ["*", "pipeline.end", true],
    ["**", "pipeline.end", true],
    ["pipeline.*", "pipeline.end", true],
    ["pipeline.*", "pipeline", false],
    ["pipeline.{end,error}", "pipeline.error", true],
    ["pipeline.{end,error}", "pipeline.start", false],
    ["{pipeline,flowgroup}.*", "flowgroup.start", true],
    ["*.error", "action.error", true],
    ["p*.e*", "pipeline.end", true],
    ["pipeline.en?", "pipeline.end", true],
    ["pipeline.[es]*", "pipeline.start", true],
    ["prod_*", "prod_", true],
    ["prod_*", "PROD_x", false],
    ["cat.*", "cat.sch.tab", true],
    ["cat/*", "cat/sch/tab", true],
    ["*/tab", "cat/sch/tab", true],
    ["*", ".hidden", true],
    ["*x", "a/.x", true],
    ["a+b(c)$", "a+b(c)$", true],
    ["a.b", "axb", false],
    ["!(a|b)", "c", true],
    ["!(a|b)", "a", false],
    ["table one", "table one", true],
  ] as const)("%s on %s: %s", ([glob, text, matches]) => {
    expect(compilePatterns([glob])(text)).toBe(matches);
  });

  test.for([
    [["prod_*", "!prod_scratch"], "prod_a", true],
    [["prod_*", "!prod_scratch"], "prod_scratch", false],
    [["!prod_scratch", "prod_*"], "prod_scratch", false],
    [["!prod_scratch"], "anything", true],
    [["!prod_scratch"], "", true],
    [["!prod_*", "!test_*"], "test_1", false],
    [["a", "b"], "b", true],
    [["a", "b"], "c", false],
    [["prod_*"], "", false],
    [["*"], "", true],
    [["./a"], "./a", true],
    [["./a"], "a", false],
    [["./a*"], "./ab", true],
    [["!./a"], "a", true],
  ] as const)("%j on %j: %s", ([globs, text, matches]) => {
    expect(compilePatterns(globs)(text)).toBe(matches);
  });

  test.for(["{a,b", "a}", "", "  ", "[a"])("glob %j is refused", (glob) => {
    expect(() => compilePatterns([glob])).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });

  test("a name without glob characters matches itself and nothing else; a star after its beginning matches it", () => {
    const plain = fc
      .stringMatching(/^[a-zA-Z0-9_./ -]{1,20}$/)
      .filter((text) => text.trim() !== "");
    const property = fc.property(plain, plain, (a, b) => {
      expect(compilePatterns([a])(b)).toBe(a === b);
      // Segments `.` and `..` are the one thing of paths that micromatch does not let go of.
      if (!/(?:^|\/)\.\.?(?:\/|$)/.test(a + b))
        expect(compilePatterns([`${a}*`])(a + b)).toBe(true);
      expect(compilePatterns([`!${a}`])(b)).toBe(a !== b);
      expect(compilePatterns(["*", `!${a}`])(a)).toBe(false);
    });

    fc.assert(property, { numRuns: 200 });
  });

  test("what is remembered does not change what is answered, beyond a thousand names too", () => {
    const matches = compilePatterns(["*7"]);
    const answers = () => Array.from({ length: 2500 }, (_, index) => matches(`n${index}`));

    expect(answers()).toEqual(answers());
    expect(answers().filter(Boolean)).toHaveLength(250);
  });
});

describe("Pipehooks' own events", () => {
  test.for([
    ["*"],
    ["**"],
    ["*.dead"],
    ["!pipeline.*"],
    ["p*"],
    ["{pipeline,flowgroup}.*"],
  ] as const)("%s leaves them out", ([glob]) => {
    const takes = compileTypePatterns([glob]);

    expect(deliveryEventTypes.filter(takes)).toEqual([]);
  });

  test("they are got by name, in braces too, and only those that are named", () => {
    const dead = "pipehooks.delivery.dead";
    const own = (...globs: string[]) => deliveryEventTypes.filter(compileTypePatterns(globs));

    expect(own(dead)).toEqual([dead]);
    expect(own("*", dead)).toEqual([dead]);
    expect(own("{pipeline.end,pipehooks.delivery.dead}")).toEqual([dead]);
    expect(own("pipehooks.{delivery.dead,hook.disabled}")).toEqual([
      dead,
      "pipehooks.hook.disabled",
    ]);
    expect(own("pipehooks.*")).toEqual([...deliveryEventTypes]);
    expect(own("pipehooks.delivery.*", `!${dead}`)).not.toContain(dead);
    expect(compileTypePatterns(["*", dead])("pipeline.end")).toBe(true);
    expect(compileTypePatterns([dead])("pipeline.end")).toBe(false);
  });
});

describe("filters", () => {
  test("each field is filtered by its own globs, and all must fit", async () => {
    const hooks = {
      all: { events: "*" },
      pipeline: { events: "*", filter: { pipelines: ["prod_*", "!prod_scratch"] } },
      flowgroup: { events: "*", filter: { flowgroups: ["in*"] } },
      action: { events: "*", filter: { actions: ["load"] } },
      table: { events: "*", filter: { tables: ["cat.*/raw.*"] } },
      both: { events: "*", filter: { pipelines: ["prod_*"], tables: ["other"] } },
    };
    const fields = {
      pipeline: "prod_a",
      flowgroup: "ingest",
      action: "load",
      table: "cat.a/b/raw.orders",
    };

    const inProd = await reached(hooks, "table.created", fields);
    const inScratch = await reached(hooks, "table.created", { pipeline: "prod_scratch" });

    expect(inProd.names).toEqual(["all", "pipeline", "flowgroup", "action", "table"]);
    expect(inScratch.names).toEqual(["all"]);
  });

  test("an empty or absent filter lets everything through, events without the field too", async () => {
    const hooks = {
      absent: { events: "*" },
      empty: { events: "*", filter: {} },
      lists: { events: "*", filter: { pipelines: [], flowgroups: [], actions: [], tables: [] } },
      star: { events: "*", filter: { pipelines: ["*"] } },
      negative: { events: "*", filter: { pipelines: ["!test_*"] } },
      named: { events: "*", filter: { pipelines: ["prod"] } },
    };

    const { names } = await reached(hooks, "pipeline.start");

    expect(names).toEqual(["absent", "empty", "lists", "star", "negative"]);
  });

  test("event globs may be one text or several, with negation", async () => {
    const hooks = {
      one: { events: "pipeline.*" },
      several: { events: ["table.*", "pipeline.{start,end}"] },
      negated: { events: ["*", "!pipeline.start"] },
    };

    expect((await reached(hooks, "pipeline.start")).names).toEqual(["one", "several"]);
    expect((await reached(hooks, "pipeline.end")).names).toEqual(["one", "several", "negated"]);
  });

  test("a hook with enabled: false gets nothing, wherever that is said", async () => {
    const { bus } = openBus({
      defaults: { enabled: false },
      hooks: [
        { name: "default", events: "*", hook: () => {} },
        { name: "on", events: "*", hook: () => {}, enabled: true },
      ],
    });

    const { deliveries } = await bus.emit("pipeline.start");

    expect(deliveries.map(({ hook }) => hook)).toEqual(["on"]);
  });
});

describe("when", () => {
  const event = (fields: object) =>
    ({ id: "1", source: "/s", type: "t", time: "", metadata: {}, ...fields }) as PipehooksEvent;

  test.for([
    ['event.error.severity == "CRITICAL"', { error: { severity: "CRITICAL" } }, true],
    ['event.error.severity == "CRITICAL"', { error: { severity: "ERROR" } }, false],
    ['event.error.severity == "CRITICAL"', {}, false],
    ["event.metadata.rows > 100", { metadata: { rows: 101 } }, true],
    ["event.metadata.rows > 100", { metadata: { rows: 99.5 } }, false],
    ["event.metadata.rows == 150", { metadata: { rows: 150 } }, true],
    ["event.metadata.a.b.c == 1", { metadata: { a: {} } }, false],
    ["event.metadata.a.b.c == 1", { metadata: { a: null } }, false],
    ["event.metadata.a.b.c == 1", { metadata: { a: "text" } }, false],
    ["has(event.error)", {}, false],
    ["!has(event.error)", {}, true],
    ['"x" in event.metadata.tags', { metadata: { tags: ["x"] } }, true],
    ['event.pipeline.startsWith("prod")', { pipeline: "prod_a" }, true],
    ['event.pipeline.startsWith("prod")', {}, false],
    ['event.pipeline == "a" || event.type == "t"', {}, true],
    ['event.type == "t" && event.pipeline == "a"', {}, false],
    ["event.metadata.flag", { metadata: { flag: true } }, true],
    ["event.metadata.flag", { metadata: { flag: "yes" } }, false],
    [
      "event.metadata.failed * 100 / event.metadata.rows > 5",
      { metadata: { failed: 6, rows: 100 } },
      true,
    ],
    [
      "event.metadata.failed * 100 / event.metadata.rows > 5",
      { metadata: { failed: 5, rows: 100 } },
      false,
    ],
    ["event.metadata.rows / 4 == 2.5", { metadata: { rows: 10 } }, true],
    ["event.metadata.rows / 0 > 1", { metadata: { rows: 0 } }, false],
    [
      "event.metadata.rows + 1 == 11 && 1 + event.metadata.rows == 11",
      { metadata: { rows: 10 } },
      true,
    ],
    [
      "event.metadata.rows - 1 == 9 && 1 - event.metadata.rows == -9",
      { metadata: { rows: 10 } },
      true,
    ],
    ["100 / event.metadata.rows == 10", { metadata: { rows: 10 } }, true],
    [
      "event.metadata.rows % 7 == 3 && 17 % event.metadata.rows == 7",
      { metadata: { rows: 10 } },
      true,
    ],
    ["event.metadata.rows % event.metadata.rows == 0", { metadata: { rows: 10 } }, true],
    ["size(event.metadata.tags) * 1.5 > 2", { metadata: { tags: [1, 2] } }, true],
    ["event.metadata.tags.exists(tag, tag * 2 == 4)", { metadata: { tags: [1, 2] } }, true],
  ] as const)("%s over %j: %s, without a word", ([text, fields, holds]) => {
    const said: string[] = [];

    expect(compileCondition(text, (why) => said.push(why)).test(event(fields))).toBe(holds);
    expect(said).toEqual([]);
  });

  test("a comparison of unlike types is false and says so once", () => {
    const said: string[] = [];

    const condition = compileCondition("event.metadata.rows > 100", (why) => said.push(why));

    expect(condition.test(event({ metadata: { rows: "many" } }))).toBe(false);
    expect(said).toEqual(["no such overload: string > int"]);
  });

  test.for([
    ["event.type ==", 13],
    ["evnt.type == 'x'", undefined],
    ["1 + 1", undefined],
    ["'text'", undefined],
    ["", undefined],
  ] as const)("condition %j is refused, with the place where the parser tells", ([text, at]) => {
    let error: unknown;
    try {
      compileCondition(text);
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toMatchObject({ code: "CONDITION_INVALID" });
    expect((error as Error).message).toContain(`"${text}"`);
    if (at !== undefined) expect(conditionErrorAt(error)).toBe(at);
  });

  test("CEL text and functions decide per event; what throws counts as false and is logged with the hook's name", async () => {
    const hooks = {
      cel: { events: "*", when: "event.metadata.rows > 1" },
      code: { events: "*", when: ({ metadata }: PipehooksEvent) => metadata.rows === 2 },
      broken: {
        events: "*",
        when: () => {
          throw new Error("oops");
        },
      },
      truthy: { events: "*", when: (() => "yes") as never },
    };

    const two = await reached(hooks, "pipeline.end", { metadata: { rows: 2 } });
    const none = await reached(hooks, "pipeline.end");

    expect(two.names).toEqual(["cel", "code"]);
    expect(none.names).toEqual([]);
    expect(two.log).toEqual(['warn: Hook "broken": its condition threw: oops']);
  });
});

describe("remembering", () => {
  test("routes by type stay right over more types than are remembered", async () => {
    const { bus } = openBus({
      allowUnknownTypes: true,
      hooks: [
        { name: "sevens", events: "a.*7", hook: () => {} },
        { name: "rest", events: ["a.*", "!a.*7"], hook: () => {} },
      ],
    });
    const types = Array.from({ length: 1200 }, (_, index) => `a.t${index}`);

    for (let round = 0; round < 2; round += 1) {
      const results = await Promise.all(types.map((type) => bus.emitUnknown(type)));
      for (const { event, deliveries } of results) {
        const wanted = event.type.endsWith("7") ? "sevens" : "rest";
        expect(deliveries.map(({ hook }) => hook)).toEqual([wanted]);
      }
    }
  });
});
