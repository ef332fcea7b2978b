import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as testing from "@pipehooks/testing";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the program of the README tries again under virtual time, without waiting", () => {
  const program = [...readme.matchAll(/```ts\n(.*?)```/gs)]
    .map(([, code = ""]) => code)
    .find((code) => code.includes("createPipehooks"));

  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module-typescript", "--eval", program ?? ""],
    { cwd: fileURLToPath(new URL("..", import.meta.url)), encoding: "utf8" },
  );

  expect({ stdout, stderr, status }).toEqual({
    stdout: "attempt 1 at 06:00:00\nattempt 2 at 06:01:00\n",
    stderr: "",
    status: 0,
  });
});

test("the README says what each export is for", () => {
  for (const name of Object.keys(testing)) expect(readme).toContain(`\`${name}(`);
});
