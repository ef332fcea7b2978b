import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorCodes, policySchema, toPolicy } from "@pipehooks/core";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const root = fileURLToPath(new URL("../../..", import.meta.url));

test("the README's program does what it says", () => {
  const program = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";

  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module-typescript", "-e", program],
    { cwd: root, encoding: "utf8" },
  );

  expect(stderr).toBe("");
  expect(stdout).toBe("pipeline.end orders 42\n");
  expect(status).toBe(0);
});

test("the README's table has every policy, and its codes exist", () => {
  const policy = toPolicy();
  const keys = [
    ...Object.keys(policy).filter((key) => !["retry", "breaker"].includes(key)),
    ...Object.keys(policy.retry).map((key) => `retry.${key}`),
    ...Object.keys(policy.breaker).map((key) => `breaker.${key}`),
  ].map((key) => key.replace(/Ms$/, ""));

  for (const key of keys) expect(readme).toContain(`\`${key}\``);
  expect(policySchema.safeParse({ rateLimit: ["20/1m", "60/1h"] }).success).toBe(true);
  const named = [...readme.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code);
  expect(named.filter((code) => !errorCodes.some((known) => known === code))).toEqual([]);
});
