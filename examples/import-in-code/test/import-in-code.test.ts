import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createPipehooks, silentLogger } from "@pipehooks/core";
import { expect, test } from "vitest";
import { events } from "../events.ts";
import { hooksFor } from "../hooks.ts";

const execute = promisify(execFile);
const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const receiver = { url: "http://127.0.0.1:9", secret: `whsec_${"a".repeat(32)}` };

test("the program delivers its own events, signed, and its function hook runs", async () => {
  const { stdout, stderr } = await execute(process.execPath, [main]);

  expect(stderr).toBe("");
  expect(stdout).toContain("quality check reaches: data-quality");
  expect(stdout).toContain(
    "/quality signature good: 5 rows of customers break the rule email_is_an_address",
  );
  expect(stdout).toContain(
    '/catalogue signature good: schema.evolution {"added":["country"],"removed":[]}',
  );
  expect(stdout).toContain('/catalogue signature good: table.created {"rows":195}');
  expect(stdout).toContain("run-log       customers: pipeline.end, 195 rows (attempt 1)");
  expect(stdout).toContain("Everything is delivered.");
});

test("a quality check with few failed rows reaches no hook", async () => {
  await using hooks = createPipehooks({ events, hooks: hooksFor(receiver), deliver: false });

  const few = await hooks.emit("data.quality_check", { metadata: checked(1) });
  const many = await hooks.emit("data.quality_check", { metadata: checked(3) });
  await hooks.store.cancel({ limit: 10 }, Date.now());

  expect(few.deliveries).toEqual([]);
  expect(many.deliveries.map(({ hook }) => hook)).toEqual(["data-quality"]);
});

test("metadata that does not fit its type is refused by the compiler and at run time", async () => {
  await using hooks = createPipehooks({ events, logger: silentLogger });

  const metadata = { ...checked(1), failed_rows: "1" };
  // @ts-expect-error failed_rows is a number
  const emitted = hooks.emit("data.quality_check", { metadata });

  await expect(emitted).rejects.toMatchObject({ code: "EVENT_INVALID" });
});

function checked(failed_rows: number) {
  return { rule: "email_is_an_address", checked_rows: 200, failed_rows };
}
