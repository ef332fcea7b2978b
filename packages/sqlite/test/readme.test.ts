import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "./workshop.ts";

test("the program of the README stores an event and delivers it", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const path = join(temporaryFolder(), "pipehooks.db");
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1]?.replace(".pipehooks/pipehooks.db", path);

  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module-typescript", "--eval", program ?? ""],
    { cwd: fileURLToPath(new URL("..", import.meta.url)), encoding: "utf8" },
  );

  expect({ stdout, stderr, status }).toEqual({
    stdout: "pipeline.end of orders\n",
    stderr: "",
    status: 0,
  });
  expect(existsSync(path)).toBe(true);
});
