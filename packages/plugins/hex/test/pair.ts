import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeliveryRow } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { createHexReceiver, type HexReceiver, type HexReceiverOptions } from "@pipehooks/testing";
import type { Given, Step, Stepped } from "./children/share-limits.ts";

const program = fileURLToPath(new URL("./children/share-limits.ts", import.meta.url));
const second = 1000;
/** Time goes on by no less, so that it does not take for ever. */
const stepMs = 2 * second;

/** As the clocks of two machines differ, or those of two processes of which one has to wait for the store. */
const lateMs = 300;

/** Two processes on one store, and a receiver, all in one time, but that the clock of the second process is late. */
export interface Pair extends AsyncDisposable {
  readonly hex: HexReceiver;
  /** Goes on to so many milliseconds after the beginning. */
  goTo(end: number): Promise<void>;
  /** Lets each process emit events of these types, and goes on by a second. */
  emit(...types: Step["emits"]): Promise<void>;
  rows(): Promise<readonly DeliveryRow[]>;
  /** How many starts each process has asked for. */
  starts(): readonly number[];
}

export async function openPair(
  options: Omit<HexReceiverOptions, "now"> & Pick<Given, "maxRunning">,
  /** Names of hooks and the types of their events, one for each project. */
  hooks: readonly (readonly [name: string, events: string])[],
): Promise<Pair> {
  const { maxRunning, ...receiver } = options;
  const began = Date.UTC(2026, 0, 1);
  let now = began;
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-hex-"));
  const path = join(folder, "pipehooks.db");
  const hex = await createHexReceiver({ ...receiver, now: () => now });
  const given: Given = {
    ...{ path, began, lateMs: 0, host: hex.url, token: hex.token, maxRunning },
    hooks: hooks.map(([name, events], index) => {
      return { name, events, project: hex.projectIds[index] ?? "" };
    }),
  };
  const processes = [start(given), start({ ...given, lateMs })];
  let answers = await Promise.all(processes.map(({ answer }) => answer()));

  const step = async (to: number, emits: Step["emits"]): Promise<void> => {
    now = to;
    answers = await Promise.all(processes.map((each) => each.step({ to, emits })));
  };

  return {
    hex,
    async goTo(end) {
      while (now < began + end) {
        const next = Math.min(...answers.map((answer) => answer.next));
        const whole = began + Math.ceil((next - began) / stepMs) * stepMs;
        await step(Math.min(Math.max(now + stepMs, whole), began + end), []);
      }
    },
    emit: (...types) => step(now + second, types),
    async rows() {
      await using store = sqliteStore({ path });
      return await store.deliveries({ limit: 1000 });
    },
    starts: () => answers.map(({ starts }) => starts),
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((each) => each.end()));
      await hex[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

function start(given: Given) {
  const child = fork(program, [JSON.stringify(given)]);
  let next = Promise.withResolvers<Stepped>();
  const gone = new Promise<void>((resolve) => child.on("exit", resolve));
  child.on("message", (answer: Stepped) => next.resolve(answer));
  child.on("exit", (code) => next.reject(new Error(`A process ended with ${code}.`)));
  return {
    answer: () => next.promise,
    step(step: Step): Promise<Stepped> {
      next = Promise.withResolvers();
      child.send(step);
      return next.promise;
    },
    async end() {
      // Nobody waits for an answer any more.
      next.promise.catch(() => {});
      child.kill("SIGKILL");
      await gone;
    },
  };
}
