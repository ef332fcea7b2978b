import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { databricksJob, databricksSql } from "@pipehooks/databricks";
import { createDatabricksReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README starts a run", async () => {
  await using databricks = await createDatabricksReceiver({ jobs: [{ id: "123456789012345" }] });
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const host = "https://dbc-a1b2.cloud.databricks.com";
  expect(program).toContain(host);
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  await writeFile(file, program.replace(host, databricks.url));

  try {
    await promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, DATABRICKS_TOKEN: "dapi-test" },
      timeout: 10_000,
    });
  } finally {
    await rm(file);
  }

  expect(databricks.runs).toMatchObject([{ parameters: { date: "2026-01-15" } }]);
});

test.for([
  [databricksJob, ["Connection", "Options of `databricks-job`", "Options of a run"]],
  [databricksSql, ["Connection", "Options of `databricks-sql`", "Options of a run"]],
] as const)("the README has a row for each option (%#)", ([{ kind }, sections]) => {
  // The contract knows any Standard Schema; these kinds' are of zod.
  const schema = z.toJSONSchema(kind.options as unknown as z.ZodType, { io: "input" });
  const names = sections.flatMap((title) => {
    const [, text = ""] = readme.split(`## ${title}\n`);
    const rows = [...(text.split("\n## ")[0] ?? "").matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)];
    return rows.flatMap(([, row = ""]) => [...row.matchAll(/\w+/g)].map(([name]) => name));
  });

  expect(names.sort()).toEqual(Object.keys(schema.properties ?? {}).sort());
});

test("loading the plugin loads neither undici nor anything else that is heavy", async () => {
  const program = `
    await import("@pipehooks/databricks");
    const { createRequire } = await import("node:module");
    const cache = Object.keys(createRequire(import.meta.url).cache);
    console.log(cache.filter((file) => /undici|databricks.sql/.test(file)).length);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: fileURLToPath(new URL("..", import.meta.url)) },
  );

  expect(stdout.trim()).toBe("0");
});
