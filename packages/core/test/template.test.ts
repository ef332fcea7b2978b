import { compileTemplate, type PipehooksEvent, readPath } from "@pipehooks/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const event = {
  id: "1",
  source: "/s",
  type: "pipeline.end",
  time: "2026-01-01T00:00:00.000Z",
  pipeline: "orders",
  metadata: {
    rows: 3,
    ok: true,
    none: null,
    list: [1],
    deep: { a: { b: "x" } },
    "a-b": 1,
    empty: "",
  },
} as unknown as PipehooksEvent;

describe("templates", () => {
  test.for([
    ["plain", "plain"],
    ["${type}", "pipeline.end"],
    ["${metadata.rows}", 3],
    ["${metadata.ok}", true],
    ["${metadata.none}", null],
    ["${metadata.list}", [1]],
    ["${metadata.deep}", { a: { b: "x" } }],
    ["${metadata.deep.a.b}", "x"],
    ["${metadata.a-b}", 1],
    ["${metadata.empty}", ""],
    ["${metadata.list.0}", 1],
    ["${ pipeline }", "orders"],
    ["a ${pipeline} b ${metadata.rows}", "a orders b 3"],
    ["${metadata.none}!", "!"],
    ["${metadata.deep}!", '{"a":{"b":"x"}}!'],
    ["$${type}", "${type}"],
    ["$${type} ${type}", "${type} pipeline.end"],
    ["$ {type} $", "$ {type} $"],
    ["${table:-none}", "none"],
    ["${table:-}", ""],
    ["${table:-null}", null],
    ["${table:-0}", 0],
    ["${table:--1.5}", -1.5],
    ["${table:-true}", true],
    ["${table:-007}", "007"],
    ["${table:-a:-b}", "a:-b"],
    ["at ${table:-null}", "at "],
    ["v ${table:-1.10}", "v 1.10"],
    ["${table:-1.10}", "1.10"],
    ["n${table:-12345678901234567890}", "n12345678901234567890"],
    ["${table:-12345678901234567890}", "12345678901234567890"],
    ["${pipeline:-0}", "orders"],
    ["", ""],
  ] as const)("%j gives %j", ([template, value]) => {
    expect(compileTemplate(template).render(event)).toEqual(value);
  });

  test("objects and lists are rendered inside, keys and other values as they are", () => {
    const template = compileTemplate({
      "${type}": ["${pipeline}", 1, null, { rows: "${metadata.rows}" }],
    });

    expect(template.render(event)).toEqual({ "${type}": ["orders", 1, null, { rows: 3 }] });
  });

  test("the references of a template are told with their defaults", () => {
    const { references } = compileTemplate({ a: "${type} ${table:-x}", b: ["$${no}", "${id}"] });

    expect(references).toEqual([{ path: "type" }, { path: "table", default: "x" }, { path: "id" }]);
  });

  test("a field that is missing is refused by name, with how to write a default", () => {
    const template = compileTemplate({ a: ["${metadata.none.deeper}"] });

    expect(() => template.render(event)).toThrow(
      expect.objectContaining({
        code: "TEMPLATE_FIELD_MISSING",
        retryable: false,
        message: expect.stringContaining("${metadata.none.deeper:-…}"),
      }),
    );
  });

  test.for(["${table:-{}}", "${table:-${type}}", 'x ${table:-{"a":1}}'])(
    "the default of %s is refused, for it holds a brace",
    (template) => {
      expect(() => compileTemplate(template)).toThrow(
        expect.objectContaining({
          code: "TEMPLATE_INVALID",
          message: expect.stringContaining('the default of "table" has a `{`'),
        }),
      );
    },
  );

  test.for(["${", "a ${type", "${}", "${a b}", "${.a}", "${a.}", "${a..b}", "${1a}", "${type:x}"])(
    "%s is no template",
    (text) => {
      expect(() => compileTemplate(text)).toThrow(
        expect.objectContaining({ code: "TEMPLATE_INVALID" }),
      );
    },
  );

  test("what a prototype has is no field", () => {
    expect(readPath(event, "constructor")).toBeUndefined();
    expect(readPath(event, "metadata.toString")).toBeUndefined();
    expect(readPath(event, "type.length")).toBeUndefined();
  });

  test("text without references comes out as it was, whatever it is", () => {
    const property = fc.property(
      fc.string().filter((text) => !text.includes("${")),
      (text) => {
        expect(compileTemplate(text).render(event)).toBe(text);
      },
    );

    fc.assert(property);
  });

  test("what stands in a field is data, never a template", () => {
    const sly = { ...event, pipeline: "${type} $${id}" };

    expect(compileTemplate("${pipeline}!").render(sly)).toBe("${type} $${id}!");
  });
});
