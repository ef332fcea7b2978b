import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Acceptance, Store } from "@pipehooks/core";
import { onTestFinished } from "vitest";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pipehooks-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Disposes a store with the test. */
export function kept(store: Store): Store {
  onTestFinished(async () => store[Symbol.asyncDispose]());
  return store;
}

export function acceptance(id: string, body = JSON.stringify({ id })): Acceptance {
  const now = Date.now();
  return {
    event: { source: "/test", id, type: "pipeline.end", time: now, body },
    deliveries: [{ hook: "a", dueAt: now }],
    at: now,
  };
}

/** Stores events one by one as fast as they come, `width` at a time; answers the ids that were stored. */
export async function acceptMany(
  store: Store,
  { prefix, count, bytes = 0 }: { prefix: string; count: number; bytes?: number },
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
  const pad = "x".repeat(bytes);
  await Promise.all(ids.map((id) => store.accept([acceptance(id, JSON.stringify({ id, pad }))])));
  return ids;
}

/** What is wrong with a store's counters, or undefined. */
export async function miscounted(store: Store): Promise<string | undefined> {
  const rows = new Map<string, number>();
  const deliveries = await store.deliveries({ limit: 1_000_000 });
  for (const { hook, state } of deliveries) {
    rows.set(`${hook} ${state}`, (rows.get(`${hook} ${state}`) ?? 0) + 1);
  }
  const counts = (await store.counts()).map(
    ({ hook, state, count }) => [`${hook} ${state}`, count] as const,
  );
  const [counted, found] = [counts, [...rows]].map((entries) =>
    JSON.stringify([...entries].sort()),
  );
  return counted === found ? undefined : `counted ${counted}, found ${found}`;
}

/** Ids of all events, in order. */
export async function eventIds(store: Store): Promise<string[]> {
  const events = await store.events({ oldestFirst: true, limit: 1_000_000 });
  return events.map(({ body }) => (JSON.parse(body) as { id: string }).id);
}

export interface Child {
  readonly process: ChildProcess;
  /** Lines it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the next line that starts so. */
  line(start: string): Promise<string>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts a program of `children/` in a process of its own. */
export function startChild(name: string, ...args: readonly string[]): Child {
  const file = fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const each of waiting) each();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  const ended = once(child, "close").then(([code, signal]) => {
    wake();
    return (code ?? signal) as number | string;
  });
  return {
    process: child,
    lines,
    ended,
    line: (start) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => line.startsWith(start));
          if (found !== undefined) resolve(found);
          else if (child.exitCode === null && child.signalCode === null) return;
          else reject(new Error(`${name} ended without printing "${start}"`));
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** A small file system of its own, or undefined where none can be mounted. */
export function mountSmall(
  bytes: number,
): { readonly folder: string; readOnly(): void } | undefined {
  const folder = join(temporaryFolder(), "mounted");
  mkdirSync(folder);
  const mount = (...args: readonly string[]) =>
    spawnSync("mount", [...args, "tmpfs", folder], { stdio: "ignore" }).status === 0;
  if (process.platform !== "linux" || !mount("-t", "tmpfs", "-o", `size=${bytes}`))
    return undefined;
  onTestFinished(() => {
    spawnSync("umount", ["--lazy", folder]);
  });
  return {
    folder,
    readOnly() {
      if (!mount("-o", "remount,ro")) throw new Error(`${folder} cannot be made read-only`);
    },
  };
}
