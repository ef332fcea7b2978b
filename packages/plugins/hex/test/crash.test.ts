import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "@pipehooks/sqlite";
import {
  createHexReceiver,
  type HexFault,
  type HexOperation,
  type HexReceiver,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFastClock } from "./fast-clock.ts";

const child = fileURLToPath(new URL("./crash-child.ts", import.meta.url));

/** One process that emits and is killed when a request of this kind has come, and one that goes on. */
async function crash(at: HexOperation, faults: readonly HexFault[]) {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-hex-"));
  const path = join(folder, "store.db");
  const began = Date.now();
  const clock = createFastClock(began);
  await using hex = await createHexReceiver({ now: clock.now, listLagMs: 3_000 });
  const open = faults.map((fault) => hex.fault(fault));
  try {
    const first = start(path, hex, began, "emit");
    await comes(hex, at, first);
    first.kill("SIGKILL");
    await once(first, "exit");
    for (const fault of open) fault[Symbol.dispose]();

    const second = start(path, hex, began, "go on");
    const [status] = await once(second, "exit");

    await using store = sqliteStore({ path });
    const [delivery] = await store.deliveries({ hook: "hex" });
    const events = await store.events({ limit: 10 });
    return {
      status,
      runs: hex.runs.length,
      state: delivery?.state,
      outcomes: events
        .map(({ body }) => String(JSON.parse(body).type))
        .filter((type) => type.startsWith("hex.")),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function start(path: string, hex: HexReceiver, began: number, mode: string): ChildProcess {
  const { url, token, projectIds } = hex;
  const args = [child, path, url, token, projectIds[0] ?? "", String(began), mode];
  return spawn(process.execPath, args, { stdio: "ignore" });
}

async function comes(hex: HexReceiver, operation: HexOperation, from: ChildProcess) {
  while (hex.count(operation) === 0) {
    if (from.exitCode !== null) throw new Error(`no request of the kind "${operation}" came`);
    await sleep(5);
  }
}

test.for([
  [
    "while the start is asked for and nothing was done",
    "start",
    [{ on: "start", answer: "never", effect: false }],
  ],
  ["while the start is asked for and was done", "start", [{ on: "start", answer: "never" }]],
  ["when the start has just been answered", "start", []],
  ["at the first look", "look", [{ on: "look", answer: "never" }]],
  [
    "while a lost start is looked for",
    "list",
    [
      { on: "start", answer: 502, times: 1 },
      { on: "list", answer: "never" },
    ],
  ],
] as const)("a process killed %s: the next one sees one run through", async ([, at, faults]) => {
  const { status, runs, state, outcomes } = await crash(at, faults);

  expect({ status, runs, state, outcomes }).toEqual({
    status: 0,
    runs: 1,
    state: "delivered",
    outcomes: ["hex.run.completed"],
  });
});
