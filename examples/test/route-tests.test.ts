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

test("three examples have route tests", () => {
  expect(tested).toEqual(["expected-by-six", "one-incident", "three-sources-one-build"]);
});

test.for(tested)("the route tests of %s pass, and reach every hook and condition", async (name) => {
  const { stdout } = await execute(process.execPath, [command, "test", "--no-color"], {
    cwd: join(examples, name),
  });

  expect(stdout).toMatch(/\d+ tests passed/);
  expect(stdout).not.toMatch(/✗|Not shown by any test/);
});
