import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execute = promisify(execFile);
const examples = join(import.meta.dirname, "..");
const command = join(examples, "..", "packages", "cli", "src", "bin.ts");
const tested = readdirSync(examples).filter((name) =>
  existsSync(join(examples, name, "routes.test.yaml")),
);

test("four examples have route tests", () => {
  expect(tested).toEqual([
    "expected-by-six",
    "load-to-insight",
    "one-incident",
    "three-sources-one-build",
  ]);
});

test("from loads to insight is one run of dbt, one of Hex, and one message", async () => {
  const { stdout, stderr } = await execute(process.execPath, [
    join(examples, "load-to-insight", "main.ts"),
  ]);

  expect(stderr).toBe("");
  expect(stdout).toContain("dbt ran 1 time: dbt build --select source:orders+ source:customers+\n");
  expect(stdout).toContain("Hex ran 1 time.\n");
  expect(stdout).toContain('The chat was told: {"text":"hex.run.completed: COMPLETED"');
});

test.for(tested)("the route tests of %s pass, and reach every hook and condition", async (name) => {
  const { stdout } = await execute(process.execPath, [command, "test", "--no-color"], {
    cwd: join(examples, name),
  });

  expect(stdout).toMatch(/\d+ tests passed/);
  expect(stdout).not.toMatch(/✗|Not shown by any test/);
});
