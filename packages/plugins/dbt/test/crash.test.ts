import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "@pipehooks/sqlite";
import {
  createDbtCloudReceiver,
  type DbtCloudFault,
  type DbtCloudReceiver,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

const worker = fileURLToPath(new URL("./fixtures/worker.ts", import.meta.url));
const speed = 20;

/** A store, a receiver and processes that share a time which goes faster than ours. */
async function createScene() {
  const base = Date.now();
  const folder = mkdtempSync(join(tmpdir(), "pipehooks-dbt-"));
  const file = join(folder, "pipehooks.db");
  const dbt = await createDbtCloudReceiver({
    now: () => base + (Date.now() - base) * speed,
    jobs: [{ id: 42, runs: { runMs: 10_000 } }],
  });
  const children = new Set<ChildProcess>();
  return {
    dbt,
    start(emit?: string) {
      const child = spawn(process.execPath, [worker], {
        stdio: ["ignore", "pipe", "inherit"],
        env: {
          ...process.env,
          ...{ FILE: file, URL: dbt.url, TOKEN: dbt.token },
          ...{ BASE: String(base), SPEED: String(speed) },
          ...(emit !== undefined && { EMIT: emit }),
        },
      });
      children.add(child);
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      return {
        async kill() {
          const gone = once(child, "exit");
          child.kill("SIGKILL");
          await gone;
        },
        emitted: () => expect.poll(() => said, { timeout: 8000 }).toContain("emitted"),
        async end() {
          if (child.exitCode === null) await once(child, "exit");
          return said.trim().split("\n").at(-1);
        },
      };
    },
    async types() {
      await using store = await sqliteStore({ path: file, worker: false });
      return (await store.events({})).map(({ body }) => JSON.parse(body).type).sort();
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      await dbt[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const asks =
  (call: "trigger" | "look" | "artifact" | "list", count = 1) =>
  (dbt: DbtCloudReceiver) => {
    const patterns = {
      trigger: /\/jobs\/42\/run\/$/,
      look: /\/runs\/\d+\/$/,
      artifact: /\/artifacts\//,
      list: /\/runs\/\?/,
    };
    return dbt.requests.filter(({ path }) => patterns[call].test(path)).length >= count;
  };

const points: readonly {
  readonly name: string;
  readonly until: (dbt: DbtCloudReceiver) => boolean;
  readonly fault?: DbtCloudFault;
  /** Where the second process is killed, too. */
  readonly again?: (dbt: DbtCloudReceiver) => boolean;
}[] = [
  { name: "before anything was asked", until: () => true },
  {
    name: "when the run was started and nothing answered",
    until: asks("trigger"),
    fault: { on: "trigger", answer: "never", effect: true, times: 1 },
  },
  {
    name: "when the start was asked for and did not happen",
    until: asks("trigger"),
    fault: { on: "trigger", answer: "never", times: 1 },
  },
  { name: "right behind the start", until: asks("trigger") },
  {
    name: "behind the start, and again while it is looked for",
    until: asks("trigger"),
    fault: { on: "trigger", answer: "never", effect: true, times: 1 },
    again: asks("list"),
  },
  { name: "at the first look", until: asks("look") },
  { name: "at the third look", until: asks("look", 3), again: asks("look", 4) },
  { name: "while its results are read", until: asks("artifact") },
];

describe("a process killed", () => {
  test.concurrent.for(points)(
    "$name leaves exactly one run and one end of it",
    { timeout: 40_000 },
    async (point, { expect }) => {
      await using scene = await createScene();
      const { dbt } = scene;
      if (point.fault !== undefined) dbt.fault(point.fault);
      const first = scene.start("evt_1");
      await first.emitted();
      await expect.poll(() => point.until(dbt), { timeout: 8000, interval: 1 }).toBe(true);
      await first.kill();
      const { again } = point;
      if (again !== undefined) {
        const second = scene.start();
        await expect.poll(() => again(dbt), { timeout: 8000, interval: 1 }).toBe(true);
        await second.kill();
      }

      const end = await scene.start().end();

      expect(end).toBe("settled delivered");
      expect(dbt.runs.map(({ status }) => status)).toEqual([10]);
      expect(await scene.types()).toEqual(["dbt.run.completed", "pipeline.end"]);
    },
  );
});
