import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCloudWatchLogsReceiver } from "@pipehooks/testing";

/** What a child is told. */
export interface BurstTask {
  readonly options: unknown;
  /** Of the store. */
  readonly path: string;
  /** File that gets the id of each accepted event. */
  readonly accepted: string;
  readonly from: number;
  readonly to: number;
  readonly warmUp: number;
  readonly fillerBytes: number;
  readonly closeMs: number;
}

export interface Burst {
  readonly events: number;
  /** Calls that the receiver takes in a second; more are throttled. */
  readonly callsPerSecond: number;
  /** Sent to the child when half of it is emitted; another child goes on. @default none */
  readonly signal?: "SIGTERM" | "SIGKILL" | undefined;
  /** What an event carries besides its fields. @default 700 */
  readonly fillerBytes?: number | undefined;
}

export interface BurstReport {
  readonly accepted: number;
  /** At the receiver when the first child had ended. */
  readonly arrivedBefore: number;
  /** Accepted, and not at the receiver. */
  readonly missing: number;
  /** At the receiver more than once. */
  readonly doubled: number;
  readonly calls: number;
  readonly throttled: number;
  /** Share of the allowed bytes or events, of each call that was taken after the warm-up, in their order. */
  readonly fill: readonly number[];
  /** Of the memory of the child that came through, in bytes. */
  readonly growth: number;
  readonly ms: number;
}

const child = fileURLToPath(new URL("./burst-child.ts", import.meta.url));
const mostBytes = 1_048_576;
const mostEvents = 10_000;

/** Runs a burst of events in a child process against a throttled receiver of CloudWatch Logs, in this process. */
export async function runBurst({
  events,
  callsPerSecond,
  signal,
  fillerBytes = 700,
}: Burst): Promise<BurstReport> {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-burst-"));
  const accepted = join(folder, "accepted.txt");
  await writeFile(accepted, "");
  await using logs = await createCloudWatchLogsReceiver({
    groups: { "/pipelines/burst": null },
    callsPerSecond,
  });
  const options = {
    provider: "aws",
    aws: {
      logGroup: "/pipelines/burst",
      region: "eu-west-1",
      endpoint: logs.url,
      allowHttp: true,
      ...logs.credentials,
    },
  };
  const task = {
    ...{ options, accepted, fillerBytes, path: join(folder, "store.db"), to: events },
    ...{ from: 0, warmUp: 500, closeMs: 1000 },
  };
  let arrived = 0;
  try {
    let first = start(task);
    await first.ready;
    const before = logs.calls.length;
    if (signal !== undefined) {
      await first.half;
      first.process.kill(signal);
      await first.ended;
      arrived = logs.events.length;
      const already = (await readFile(accepted, "utf8")).split("\n").length - 1;
      // It goes on where the first one left off; ids of one that died may be accepted and not noted.
      first = start({ ...task, from: Math.max(0, already - task.warmUp), warmUp: 0 });
    }
    const { growth, ms } = await first.ended;

    const ids = (await readFile(accepted, "utf8")).trim().split("\n");
    const counts = new Map<string, number>();
    for (const { message } of logs.events) {
      const { id } = JSON.parse(message);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const puts = logs.calls.slice(before).filter(({ operation }) => operation === "PutLogEvents");
    const taken = puts.filter(({ refused }) => refused === undefined);
    return {
      accepted: new Set(ids).size,
      arrivedBefore: arrived,
      missing: ids.filter((id) => !counts.has(id)).length,
      doubled: [...counts.values()].filter((count) => count > 1).length,
      calls: taken.length,
      throttled: puts.filter(({ refused }) => refused === "ThrottlingException").length,
      fill: taken.map((call) => Math.max(call.bytes / mostBytes, call.events / mostEvents)),
      growth,
      ms,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Started {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  /** Half of its events are emitted. */
  readonly half: Promise<void>;
  readonly ended: Promise<{ readonly growth: number; readonly ms: number }>;
}

/**
 * The bound of Node 22. Node 24 lets four times as much young garbage lie, however little is kept, which a service need not
 * put up with (docs/operations.md).
 */
const execArgv = ["--expose-gc", "--max-semi-space-size=16"];

function start(task: BurstTask): Started {
  const process = fork(child, [JSON.stringify(task)], { execArgv });
  const ready = Promise.withResolvers<void>();
  const half = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<{ growth: number; ms: number }>();
  let done = { growth: 0, ms: 0 };
  process.on("message", (message) => {
    const { type, growth, ms } = Object(message);
    if (type === "ready") ready.resolve();
    if (type === "half") half.resolve();
    if (type === "done") done = { growth, ms };
  });
  process.on("exit", (code, killedBy) => {
    ready.resolve();
    half.resolve();
    if (code === 0 || killedBy === "SIGKILL") ended.resolve(done);
    else ended.reject(new Error(`The child ended with ${code ?? killedBy}.`));
  });
  return {
    process,
    ready: ready.promise,
    half: half.promise,
    ended: ended.promise,
  };
}
