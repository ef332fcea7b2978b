import { createPipehooks, silentLogger } from "@pipehooks/core";
import { hexEvents, hexRun } from "@pipehooks/hex";
import { sqliteStore } from "@pipehooks/sqlite";
import { createLedTime } from "./led-time.ts";

/** What this process is told in the beginning. */
export interface Given {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly began: number;
  /** By how much its clock is late. */
  readonly lateMs: number;
  readonly host: string;
  readonly token: string;
  readonly maxRunning: number;
  readonly hooks: readonly {
    readonly name: string;
    readonly events: string;
    readonly project: string;
  }[];
}

/** What it is told step by step. */
export interface Step {
  /** Milliseconds since the epoch. */
  readonly to: number;
  /** Types of events to emit then. */
  readonly emits: readonly ("pipeline.start" | "pipeline.end")[];
}

/** What it answers to a step. */
export interface Stepped {
  /** When it has something to do next. */
  readonly next: number;
  /** How many starts it has asked for. */
  readonly starts: number;
}

const given = JSON.parse(process.argv[2] ?? "") as Given;
const { path, began, lateMs, host, token, maxRunning, hooks } = given;
const time = createLedTime(began, lateMs);
// Loaded now, or the first delivery would wait for what nobody counts.
await import("undici");

const bus = createPipehooks({
  store: time.watch(sqliteStore({ path, worker: false })),
  clock: time.clock,
  logger: silentLogger,
  leaseMs: 600_000,
  events: hexEvents,
  hooks: hooks.map(({ name, events, project }) => ({
    ...{ name, events },
    hook: hexRun({ token, host, allowHttp: true, project, maxRunning }),
  })),
});

const answer = (next: number): void => {
  process.send?.({ next, starts: time.posts() } satisfies Stepped);
};

process.on("message", async ({ to, emits }: Step) => {
  for (const type of emits) void bus.emit(type, { pipeline: "orders" });
  answer(await time.goTo(to));
});
answer(began);
