import {
  type ExplainedCondition,
  explainRoute,
  type PipehooksEvent,
  type WhenStep,
} from "@pipehooks/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openBus } from "./virtual-bus.ts";

const event: PipehooksEvent = {
  id: "1",
  source: "/s",
  type: "pipeline.error",
  time: "2026-01-01T00:00:00.000Z",
  pipeline: "orders",
  metadata: {
    rows: 10,
    flag: false,
    list: ["x"],
    "a-b": 2,
    text: "hello world",
    items: [{ a: 1 }],
  },
  error: { message: "no such file", severity: "WARNING" },
};

function explain(when: string | ((event: PipehooksEvent) => boolean)): ExplainedCondition {
  const { bus, log } = openBus({ hooks: [{ name: "ops", events: "*", when, hook: () => {} }] });
  const [hook] = bus.hooks;
  const steps = hook === undefined ? [] : explainRoute(hook, event).steps;
  const step = steps.find((each): each is WhenStep => each.step === "when");
  // What a hook would log while it is asked is told by the explanation.
  expect(typeof when === "string" ? log : []).toEqual([]);
  return step?.condition as ExplainedCondition;
}

/** The condition as indented lines: truth, text, what it read. */
function outline(
  { result, text, operator, parts, values }: ExplainedCondition,
  indent = "",
): string[] {
  const read = values.map(({ path, value, missing }) =>
    missing === undefined ? `${path} = ${JSON.stringify(value)}` : `${missing} is missing`,
  );
  return [
    `${indent}${result} ${operator ?? text}${read.length === 0 ? "" : ` [${read.join(", ")}]`}`,
    ...parts.flatMap((part) => outline(part, `${indent}  `)),
  ];
}

test("a condition is taken apart at and, or and not, each part with its own truth and values", () => {
  const condition = explain(
    '(event.pipeline == "orders" || event.flowgroup == "x") && !(event.metadata.rows > 5) && ( has(event.table) )',
  );

  expect(outline(condition)).toEqual([
    "false &&",
    "  true ||",
    '    true event.pipeline == "orders" [event.pipeline = "orders"]',
    '    null event.flowgroup == "x" [event.flowgroup is missing]',
    "  false !",
    "    true event.metadata.rows > 5 [event.metadata.rows = 10]",
    "  false has(event.table) [event.table is missing]",
  ]);
});

test("parts are told as they are written, with the parentheses that belong to them", () => {
  const { parts } = explain('((event.error).message == "(") && (event.metadata.rows + 2) * 3 > 1');

  expect(parts.map(({ text }) => text)).toEqual([
    '(event.error).message == "("',
    "(event.metadata.rows + 2) * 3 > 1",
  ]);
});

test.for([
  ['event.error.severity == "CRITICAL"', false, "event.error.severity is WARNING, not CRITICAL"],
  ['"CRITICAL" == event.error.severity', false, "event.error.severity is WARNING, not CRITICAL"],
  ['event.pipeline == "orders"', true, "event.pipeline is orders"],
  ['event.pipeline != "orders"', false, "event.pipeline is orders"],
  ['event.pipeline != "x y"', true, 'event.pipeline is orders, not "x y"'],
  ['event.metadata.text == "x"', false, 'event.metadata.text is "hello world", not x'],
  ["event.metadata.rows > 10", false, "event.metadata.rows is 10, not > 10"],
  ["event.metadata.rows >= 10", true, "event.metadata.rows is 10, which is >= 10"],
  ["11 < event.metadata.rows", false, "event.metadata.rows is 10, not > 11"],
  ['event.pipeline in ["a", "b"]', false, 'event.pipeline is orders, not in ["a", "b"]'],
  [
    '"y" in event.metadata.list',
    false,
    '"y" in event.metadata.list is false (event.metadata.list = ["x"])',
  ],
  ["event.metadata.flag", false, "event.metadata.flag is false"],
  [
    "event.metadata.text",
    null,
    'event.metadata.text is "hello world", which is neither true nor false',
  ],
  ["has(event.error.code)", false, "event.error.code is missing"],
  ["has(event.error.severity)", true, "event.error.severity is there"],
  ["has(event.metadata.foo.bar)", null, "event.metadata.foo is missing"],
  ["event.metadata.foo.bar == 1", null, "event.metadata.foo is missing"],
  ['event.metadata["a-b"] == 3', false, 'event.metadata["a-b"] is 2, not 3'],
  ["event.metadata[event.pipeline] == 3", null, "event.metadata[event.pipeline] is missing"],
  ["event.pipeline == event.flowgroup", null, "event.flowgroup is missing"],
  [
    "event.pipeline == event.error.message",
    false,
    'event.pipeline == event.error.message is false (event.pipeline = "orders", event.error.message = "no such file")',
  ],
  [
    'event.error.message.contains("disk")',
    false,
    'event.error.message.contains("disk") is false (event.error.message = "no such file")',
  ],
  [
    "size(event.metadata.list) > 2",
    false,
    'size(event.metadata.list) > 2 is false (event.metadata.list = ["x"])',
  ],
  [
    "event.metadata.items.exists(x, x.a > 1)",
    false,
    'event.metadata.items.exists(x, x.a > 1) is false (event.metadata.items = [{"a":1}])',
  ],
  [
    "event.pipeline > 3",
    null,
    'event.pipeline > 3 cannot be worked out: no such overload: string > int (event.pipeline = "orders")',
  ],
  ["!has(event.error)", false, "event.error is there"],
  [
    'event.pipeline == "a" && event.metadata.rows == 1',
    false,
    "event.pipeline is orders, not a and event.metadata.rows is 10, not 1",
  ],
  [
    'event.pipeline == "orders" && event.metadata.rows == 1',
    false,
    "event.metadata.rows is 10, not 1",
  ],
  [
    'event.pipeline == "a" || event.flowgroup == "b"',
    null,
    "event.pipeline is orders, not a and event.flowgroup is missing",
  ],
  ['event.pipeline == "a" || event.metadata.rows == 10', true, "event.metadata.rows is 10"],
] as const)("%s is %s: %s", ([text, result, because]) => {
  expect(explain(text)).toMatchObject({ result, because });
});

test("a long value is cut in what people read, and whole for machines", () => {
  const long = "x".repeat(500);

  const { because } = explain(`event.metadata.text == "${long}"`);

  expect(because.length).toBeLessThan(200);
});

test("a function is told by its result only", () => {
  expect(
    explain(function isLarge() {
      return true;
    }),
  ).toEqual({
    text: "isLarge()",
    result: true,
    because: "isLarge() answers true",
    parts: [],
    values: [],
  });
});

test("a function that throws counts as false", () => {
  const throws = () => {
    throw new Error("oops");
  };

  expect(explain(throws)).toMatchObject({ text: "throws()", result: false });
});

test("whatever is joined and nested, the whole is true exactly when the hook fires, and the parts make the whole", () => {
  const leaf = fc.constantFrom(
    'event.pipeline == "orders"',
    'event.pipeline == "a(b"',
    "event.metadata.rows > 5",
    "event.metadata.flag",
    "has(event.error)",
    'event.flowgroup == "x"',
    "event.metadata.text",
    "event.pipeline > 3",
  );
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc
        .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
        .map(([a, op, b]) => `(${a}) ${op} ( ${b})`),
      fc
        .tuple(leaf, fc.constantFrom("&&", "||"), tie("condition"))
        .map(([a, op, b]) => `${a} ${op} ${b}`),
      tie("condition").map((inner) => `!(${inner})`),
    ),
  }));

  fc.assert(
    fc.property(condition, (text) => {
      const { bus } = openBus({
        hooks: [{ name: "ops", events: "*", when: text, hook: () => {} }],
      });
      const [hook] = bus.hooks;
      if (hook === undefined) throw new Error("the hook is missing");

      const { reached, steps } = explainRoute(hook, event);
      const step = steps.find((each): each is WhenStep => each.step === "when");

      expect(reached).toBe(hook.route.when?.test(event));
      expect(step?.condition?.result === true).toBe(reached);
      check(step?.condition as ExplainedCondition);
    }),
    { numRuns: 200 },
  );
});

/** The truth of what an operator joins follows from its parts; what cannot be worked out may be outvoted. */
function check({ operator, result, parts, because }: ExplainedCondition): void {
  expect(because).not.toBe("");
  for (const part of parts) check(part);
  const results = parts.map((part) => part.result);
  const not = { true: false, false: true, null: null };
  if (operator === "!") expect(result).toBe(not[`${results[0] ?? null}`]);
  if (operator === "&&") expect(result).toBe(decided(results, false));
  if (operator === "||") expect(result).toBe(decided(results, true));
}

function decided(results: readonly (boolean | null)[], decisive: boolean): boolean | null {
  if (results.includes(decisive)) return decisive;
  return results.includes(null) ? null : !decisive;
}
