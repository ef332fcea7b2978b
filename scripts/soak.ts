import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { sqliteStore } from "@pipehooks/sqlite";

// Emitters and the deliverer are killed again and again; nothing that was accepted may be missing at the receiver.
const emitters = 4;
const perEmitter = Number(process.argv[2] ?? 5000);
const longestMs = 300_000;

const command = join(import.meta.dirname, "../node_modules/.bin/pipehooks");
const folder = mkdtempSync(join(tmpdir(), "pipehooks-soak-"));
/** Events by how often they came, and under which ids of a delivery. */
const received = new Map<string, { times: number; readonly ids: Set<string> }>();

const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { id } = JSON.parse(Buffer.concat(chunks).toString()).data;
  const known = received.get(id) ?? { times: 0, ids: new Set<string>() };
  known.times += 1;
  known.ids.add(String(request.headers["webhook-id"]));
  received.set(id, known);
  response.end("ok");
});
await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const { port } = receiver.address() as AddressInfo;
writeFileSync(
  join(folder, "pipehooks.yaml"),
  `version: 1
hooks:
  - name: soak
    kind: webhook
    events: "*"
    options: { url: "http://127.0.0.1:${port}/", allow_private: true }
`,
);

const accepted = new Set<string>();
let ended = 0;
let kills = 0;
const startedAt = performance.now();

/** Emits until all its events are accepted; killed at random, it goes on with those that were not. */
async function emitAll(emitter: number): Promise<void> {
  const left = new Set(Array.from({ length: perEmitter }, (_, n) => `e${emitter}-${n}`));
  let doomed = 4;
  while (left.size > 0) {
    const child = start(["emit", "--stdin", "--json", "--quiet"]);
    // What the child no longer takes is emitted by its successor.
    child.stdin?.on("error", () => {});
    child.stdin?.end(
      [...left]
        .map((id) => JSON.stringify({ id, type: "pipeline.end", pipeline: "soak" }))
        .join("\n"),
    );
    if (doomed > 0) {
      doomed -= 1;
      const timer = setTimeout(() => child.kill("SIGKILL"), 200 + Math.random() * 800);
      child.once("exit", () => clearTimeout(timer));
    }
    if (child.stdout === null) throw new Error("no stdout");
    for await (const line of createInterface({ input: child.stdout })) {
      const id = readId(line);
      if (id === undefined) continue;
      accepted.add(id);
      left.delete(id);
    }
  }
  ended += 1;
}

/** A line that a kill cut short says nothing. */
function readId(line: string): string | undefined {
  try {
    return JSON.parse(line).event.id;
  } catch {
    return undefined;
  }
}

/** The deliverer, killed every second while anything is emitted. */
async function deliverAndDie(): Promise<void> {
  while (ended < emitters) {
    const child = start(["deliver", "--follow", "--quiet"]);
    await sleep(1000);
    child.kill("SIGKILL");
    kills += 1;
    await new Promise((resolve) => child.once("exit", resolve));
  }
}

function start(words: readonly string[]): ChildProcess {
  return spawn(command, words, { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
}

await Promise.all([...Array.from({ length: emitters }, (_, n) => emitAll(n)), deliverAndDie()]);
console.log(
  `${accepted.size} accepted, deliverer killed ${kills} times, ${received.size} received so far`,
);

const last = start(["deliver", "--follow", "--quiet"]);
const store = sqliteStore({ path: join(folder, ".pipehooks/pipehooks.db") });
let open = Number.POSITIVE_INFINITY;
while (open > 0 && performance.now() - startedAt < longestMs) {
  await sleep(250);
  const counts = await store.counts();
  open = counts
    .filter(({ state }) => !["delivered", "skipped", "cancelled"].includes(state))
    .reduce((sum, { count }) => sum + count, 0);
}
last.kill("SIGTERM");
await store[Symbol.asyncDispose]();
receiver.close();
rmSync(folder, { recursive: true });

const missing = [...accepted].filter((id) => !received.has(id));
const twice = [...received.values()].filter(({ times }) => times > 1);
const otherIds = twice.filter(({ ids }) => ids.size > 1);
console.log(
  `${missing.length} missing, ${twice.length} came more than once, ${otherIds.length} of them under another webhook-id`,
);
console.log(
  `${open} not delivered, after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
);
process.exitCode = missing.length + otherIds.length + open === 0 ? 0 : 1;
