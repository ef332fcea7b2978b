import { loadConfig } from "@pipehooks/config";
import { expect, test } from "vitest";
import { folderWith, loadText, resolveFrom } from "./workspace.ts";

const file = `version: 1
event_types:
  data.quality_check:
    metadata:
      type: object
      required: [table, failed_rows]
      properties:
        table: { type: string }
        failed_rows: { type: integer, minimum: 0 }
        level: { enum: [low, high] }
        day: { type: string, format: date }
      additionalProperties: false
  data.free: {}
`;

async function check(type: string, metadata: unknown) {
  const { options } = await loadText(file);
  return options.events?.[type]?.["~standard"].validate(metadata);
}

test("metadata that fits its schema is taken as it is", async () => {
  const metadata = { table: "orders", failed_rows: 0, level: "low", day: "2026-01-31" };

  expect(await check("data.quality_check", metadata)).toEqual({ value: metadata });
});

test.for([
  [{ table: "orders" }, ["failed_rows"], "is missing"],
  [{ table: 5, failed_rows: 1 }, ["table"], "must be string"],
  [{ table: "a", failed_rows: -1 }, ["failed_rows"], "must be >= 0"],
  [{ table: "a", failed_rows: 1, level: "mid" }, ["level"], 'must be one of "low", "high"'],
  [{ table: "a", failed_rows: 1, day: "soon" }, ["day"], 'must match format "date"'],
  [
    { table: "a", failed_rows: 1, rows: 1 },
    [],
    'has a field "rows" that the schema does not allow',
  ],
] as const)("%j is refused with its path", async ([metadata, path, message]) => {
  expect(await check("data.quality_check", metadata)).toEqual({ issues: [{ path, message }] });
});

test("all that is wrong with metadata is said at once", async () => {
  const result = await check("data.quality_check", { level: "mid" });

  expect(result?.issues).toHaveLength(3);
});

test("a type without a schema takes any metadata", async () => {
  expect(await check("data.free", { anything: [1] })).toEqual({ value: { anything: [1] } });
});

const halfWrong = `version: 1
event_types:
  data.wrong: { metadata: { type: objekt } }
  data.right: { metadata: { type: object, required: [rows] } }
hooks:
  - { name: a, kind: webhook, events: data.wrong, options: { url: "https://example.com/x" } }
`;

test("of types that are not emitted only the names are looked at", async () => {
  const cwd = folderWith({ "pipehooks.yaml": halfWrong });

  const { options } = await loadConfig({ cwd, resolveFrom, emitOnly: ["data.right"] });

  expect(await options.events?.["data.right"]?.["~standard"].validate({})).toEqual({
    issues: [{ path: ["rows"], message: "is missing" }],
  });
});

test.for([[["data.wrong"]], [undefined]])(
  "a wrong schema is reported when %j is emitted",
  async ([emitOnly]) => {
    const cwd = folderWith({ "pipehooks.yaml": halfWrong });

    await expect(loadConfig({ cwd, resolveFrom, emitOnly })).rejects.toMatchObject({
      problems: [{ line: 3, message: expect.stringContaining("Not a JSON Schema") }],
    });
  },
);
