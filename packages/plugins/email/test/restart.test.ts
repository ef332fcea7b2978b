import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "@pipehooks/sqlite";
import {
  createSmtpReceiver,
  type SmtpFault,
  type SmtpReceiver,
  type SmtpStage,
} from "@pipehooks/testing";
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";

const child = fileURLToPath(new URL("./children/pipeline.ts", import.meta.url));
const [a, b] = ["a@example.com", "b@example.com"];

/** A folder with a store, a server, and processes that use both. */
async function openScene() {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-email-"));
  const path = join(folder, "store.db");
  const began = String(Date.now());
  const server = await createSmtpReceiver();
  const start = (says: string): ChildProcess =>
    spawn(process.execPath, [child, path, String(server.port), began, says], { stdio: "inherit" });
  return {
    server,
    start,
    async finish(says: string) {
      const [status] = await once(start(says), "exit");
      return status as number;
    },
    async states() {
      await using store = sqliteStore({ path });
      return (await store.deliveries({})).map(({ state }) => state);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function comesTo(server: SmtpReceiver, stage: SmtpStage, from: ChildProcess) {
  while (server.count(stage) === 0) {
    if (from.exitCode !== null) throw new Error(`it ended before "${stage}"`);
    await sleep(5);
  }
}

async function kill(process: ChildProcess) {
  process.kill("SIGKILL");
  await once(process, "exit");
}

const points: readonly (readonly [string, SmtpFault, number])[] = [
  ["while it connects", { on: "connect", answer: "never" }, 1],
  ["while it names recipients", { on: "rcptTo", answer: "never" }, 1],
  ["while the mail is on its way", { on: "data", answer: "never" }, 1],
  [
    "when the mail was taken and nobody had said so",
    { on: "data", answer: "never", effect: true },
    2,
  ],
];

test.concurrent.for(points)(
  "a process is killed %s: the next one sends the mail, with the same Message-ID",
  async ([, fault, times]) => {
    await using scene = await openScene();
    const open = scene.server.fault(fault);
    const first = scene.start("failure");
    await comesTo(scene.server, fault.on, first);
    await kill(first);
    open[Symbol.dispose]();

    const status = await scene.finish("nothing");

    const mails = await Promise.all(scene.server.mails.map(({ raw }) => simpleParser(raw)));
    expect(status).toBe(0);
    expect(await scene.states()).toEqual(["delivered"]);
    // SMTP has no idempotency: of a mail that was taken unsaid there are two, which a receiver can tell by their id.
    expect(mails).toHaveLength(times);
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
    expect(new Set(mails.map(({ date }) => date?.getTime())).size).toBe(1);
  },
);

test.concurrent("killed after partial acceptance: the next process mails those alone who were put off", async () => {
  await using scene = await openScene();
  const putOff = scene.server.fault({ on: "rcptTo", to: b, answer: "450 4.2.0 Greylisted" });
  const first = scene.start("failure");
  await scene.server.received(1);
  // Until it is stored what became of it.
  while (!(await scene.states()).includes("retrying")) await sleep(20);
  await kill(first);
  putOff[Symbol.dispose]();

  const status = await scene.finish("nothing");

  expect(status).toBe(0);
  expect(await scene.states()).toEqual(["delivered"]);
  expect(scene.server.mails.map(({ to }) => to)).toEqual([[a], [b]]);
});

test.concurrent("a process tells of the failure, another one of its end, in the same thread", async () => {
  await using scene = await openScene();
  await scene.finish("failure");

  await scene.finish("success");

  const [failed, resolved, ...more] = await Promise.all(
    scene.server.mails.map(({ raw }) => simpleParser(raw)),
  );
  expect(more).toEqual([]);
  expect(failed?.subject).toBe("[ERROR] Pipeline orders failed");
  expect(resolved?.subject).toBe("[RESOLVED] Pipeline orders finished");
  expect(resolved?.inReplyTo).toBe(failed?.messageId);
});
