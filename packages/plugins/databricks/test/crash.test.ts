import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDatabricksReceiver, type DatabricksFault } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("./children/deliver.ts", import.meta.url));

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  const ended = new Promise<{ text: string; signal: string | null }>((resolve) => {
    child.on("close", (_code, signal) => resolve({ text, signal }));
  });
  return { child, ended };
}

interface CrashPoint {
  /** Call of the store at which the process kills itself. */
  readonly dieAt?: string;
  /** Request after which it is killed, while it waits for the answer. */
  readonly fault?: DatabricksFault;
}

const calls = (method: string, numbers: readonly number[]): [string, CrashPoint][] =>
  numbers.flatMap((number) =>
    ["before", "after"].map((when): [string, CrashPoint] => [
      `${when} call ${number} of ${method}`,
      { dieAt: `${method} ${number} ${when}` },
    ]),
  );

const points: readonly [string, CrashPoint][] = [
  ...calls("settle", [1, 2, 3, 4]),
  ...calls("claim", [1, 2, 3, 4]),
  ...(["jobs/run-now", "jobs/runs/get"] as const).flatMap((on) =>
    [false, true].map((effect): [string, CrashPoint] => [
      `while it waits for ${on}, which has ${effect ? "" : "not yet "}had its effect`,
      { fault: { on, answer: "never", effect, times: 1 } },
    ]),
  ),
];

describe.concurrent("killed", { timeout: 60_000 }, () => {
  test.for(points)("%s, there is one run, and its end is told once", async ([, point]) => {
    const { dieAt = "", fault } = point;
    await using databricks = await createDatabricksReceiver({
      jobs: [{ id: "12", plan: () => ({ pendingMs: 50, runMs: 400 }) }],
    });
    const env = {
      HOST: databricks.url,
      STORE: join(mkdtempSync(join(tmpdir(), "databricks-")), "pipehooks.db"),
    };
    if (fault !== undefined) databricks.fault(fault);

    const first = start({ ...env, DIE_AT: dieAt, EMIT: "evt_1" });
    if (fault !== undefined) {
      await expect.poll(() => databricks.calls(fault.on), { timeout: 20_000 }).toBeGreaterThan(0);
      first.child.kill("SIGKILL");
    }
    const { signal } = await first.ended;
    const second = await start({ ...env, EMIT: "evt_1" }).ended;

    expect(signal).toBe("SIGKILL");
    expect(databricks.runs).toMatchObject([{ code: "SUCCESS" }]);
    expect(JSON.parse(second.text)).toEqual(["chained delivered", "load delivered"]);
  });
});
