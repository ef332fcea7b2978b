import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hexRun } from "@pipehooks/hex";
import { createHexReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { optionsOf, rowsOf } from "../../../testing/src/option-table.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README runs, and ends when the run has", async () => {
  const id = "5a8591dd-4039-49df-9202-96385ba3eff8";
  await using hex = await createHexReceiver({
    projects: [{ id, title: "Weekly revenue" }],
    course: { pendingMs: 100, runMs: 100 },
  });
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const line = "updatePublishedResults: true,";
  expect(program).toContain(line);
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  const local = `${line} host: "${hex.url}", allowHttp: true, poll: { first: "200ms" },`;
  await writeFile(file, program.replace(line, local));

  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, HEX_TOKEN: hex.token },
      timeout: 20_000,
    });

    expect(stdout.trim()).toBe("hex.run.completed");
    expect(hex.runs).toHaveLength(1);
  } finally {
    await rm(file);
  }
});

test("the README has a row for each option", () => {
  const table = readme.slice(readme.indexOf("## Options"), readme.indexOf("Policies such as"));

  expect(rowsOf(table)).toEqual(optionsOf(hexRun.kind));
});

test("loading the plugin loads neither undici nor anything else that is heavy", async () => {
  const program = `
    await import("@pipehooks/hex");
    const { createRequire } = await import("node:module");
    const cache = Object.keys(createRequire(import.meta.url).cache);
    console.log(cache.filter((file) => file.includes("undici")).length);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: fileURLToPath(new URL("..", import.meta.url)) },
  );

  expect(stdout.trim()).toBe("0");
});
