import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { dbtCloudRun, dbtCore } from "@pipehooks/dbt";
import { createDbtCloudReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { optionsOf, rowsOf } from "../../../testing/src/option-table.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README runs and ends by itself", async () => {
  const quick = { queuedMs: 0, startingMs: 0, runMs: 0 };
  await using dbt = await createDbtCloudReceiver({ jobs: [{ id: 42, runs: quick }] });
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const host = 'host: "ab123.us1.dbt.com"';
  expect(program).toContain(host);
  // Beside the package, so that imports resolve as in any program that uses it.
  const file = fileURLToPath(new URL(`./readme-${process.pid}.tmp.ts`, import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-dbt-"));
  await writeFile(file, program.replace(host, `host: "${dbt.url}", poll: { first: "10ms" }`));
  let said = "";

  try {
    // Later processes see through what the first one has started.
    for (let runs = 0; runs < 8 && !said.includes("dbt.run.completed"); runs += 1) {
      const { stdout } = await promisify(execFile)(process.execPath, [file], {
        cwd: folder,
        env: { ...process.env, DBT_CLOUD_TOKEN: dbt.token },
        timeout: 20_000,
      });
      said += stdout;
    }
  } finally {
    await rm(file);
    await rm(folder, { recursive: true });
  }

  expect(dbt.runs[0]?.trigger.stepsOverride).toEqual(["dbt build --select source:orders+"]);
  expect(said).toContain("dbt.run.completed");
}, 25_000);

test.for([
  [dbtCloudRun, "## Options of `dbt-cloud-run`", "Policies such as"],
  [dbtCore, "## Options of `dbt-core`", "The arguments are passed"],
] as const)("the README has a row for each option", ([{ kind }, from, to]) => {
  const table = readme.slice(readme.indexOf(from), readme.indexOf(to));

  expect(rowsOf(table)).toEqual(optionsOf(kind));
});

test("loading the plugin does not load undici", async () => {
  const program = `
    await import("@pipehooks/dbt");
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
