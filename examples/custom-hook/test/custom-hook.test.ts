import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

const execute = promisify(execFile);
const main = fileURLToPath(new URL("../main.ts", import.meta.url));
let out = "";

beforeAll(async () => {
  const { stdout, stderr } = await execute(process.execPath, [main]);
  expect(stderr).toBe("");
  out = stdout;
});

test("the kind of the local file delivers, with the retry that every hook has", () => {
  expect(out).toMatch(
    /check +503 \/…\nretrying: pipeline.end, attempt 1 .*503\.\ncheck +200 \/…\ndelivered: pipeline.end, attempt 2\n/,
  );
  expect(out).toContain("check    200 /…/fail no orders came");
});

test("its option, written in YAML, takes effect", () => {
  expect(out).toContain("skipped: pipeline.start, attempt 1 signal_start is off");
  expect(out).not.toContain("/start");
});

test("the filter of the hook keeps other pipelines out", () => {
  expect(out.match(/\/fail/g)).toHaveLength(1);
});

test("mistakes in its options are shown at their place in the YAML", () => {
  expect(out).toMatch(/mistake.yaml:11:12: .*url.*invalid URL/i);
  expect(out).toMatch(/mistake.yaml:12:7: .*signal_strat/);
  expect(out).toContain("signal_start?");
});
