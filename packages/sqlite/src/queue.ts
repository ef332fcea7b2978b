import { HookError, messageOf, nextTurn } from "@pipehooks/core";
import type { Answers, Call, Operation, Operations } from "./calls.ts";
import { type Fault, StoreFault } from "./fault.ts";
import type { Runner } from "./runner.ts";

/** Collects calls into groups that are stored together. */
export interface CallQueue {
  call<Name extends Operation>(
    op: Name,
    ask: Operations[Name]["ask"],
    weight?: number,
  ): Promise<Operations[Name]["answer"]>;
  /** Resolves when all calls made so far are answered. */
  idle(): Promise<void>;
}

interface Entry {
  readonly call: Call;
  readonly weight: number;
  resolve(value: unknown): void;
  reject(error: HookError): void;
}

/** Bounds of one group, so that handing it over never takes the caller's event loop for long. */
const maxCalls = 512;
const maxWeight = 1024 * 1024;
/** A call as heavy as this is not held back for others of its turn: the store works while the caller goes on. */
const soonWeight = 16 * 1024;

/**
 * All calls of one turn of the event loop, and all made while a group is under way, go to the runner together:
 * one transaction, one fsync. A group that is heavy enough goes after the one that is under way at once, where the runner
 * has room for it: the store need not wait for the way there and back.
 */
export function createCallQueue(load: () => Promise<Runner> | Runner): CallQueue {
  let entries: Entry[] = [];
  let weight = 0;
  let scheduled = false;
  let loading = false;
  let underWay = 0;
  let room = 1;
  const idlers: (() => void)[] = [];

  const isIdle = () => entries.length === 0 && underWay === 0;
  const mayGo = () =>
    entries.length > 0 && !loading && (underWay === 0 || (underWay < room && weight >= soonWeight));

  function pump(): void {
    while (mayGo()) void run(takeGroup());
  }

  async function run(group: readonly Entry[]): Promise<void> {
    underWay += 1;
    try {
      loading = true;
      const runner = await load();
      loading = false;
      room = runner.room;
      const answers = runner.run(group.map(({ call }) => call));
      pump();
      answer(group, await answers);
    } catch (error) {
      loading = false;
      const fault = toFault(error);
      for (const { reject } of group) reject(toHookError(fault));
    }
    underWay -= 1;
    pump();
    if (isIdle()) for (const resolve of idlers.splice(0)) resolve();
  }

  function takeGroup(): Entry[] {
    let taken = 0;
    const end = entries.findIndex((entry, at) => {
      taken += entry.weight;
      return at > 0 && (at >= maxCalls || taken > maxWeight);
    });
    const group = end < 0 ? entries : entries.slice(0, end);
    entries = end < 0 ? [] : entries.slice(end);
    weight = entries.reduce((sum, entry) => sum + entry.weight, 0);
    return group;
  }

  return {
    call: <Name extends Operation>(op: Name, ask: Operations[Name]["ask"], own = 0) =>
      new Promise<Operations[Name]["answer"]>((resolve, reject) => {
        // The runner answers each operation with its own type; the queue carries them all alike.
        entries.push({
          call: { op, ask },
          weight: own,
          resolve: resolve as (value: unknown) => void,
          reject,
        });
        weight += own;
        if (own >= soonWeight) {
          pump();
          return;
        }
        if (underWay > 0 || scheduled) return;
        scheduled = true;
        // After the promises of this turn, so that whoever wakes together is stored together.
        nextTurn(() => {
          scheduled = false;
          pump();
        });
      }),
    async idle() {
      if (isIdle()) return;
      await new Promise<void>((resolve) => idlers.push(resolve));
    },
  };
}

function answer(group: readonly Entry[], { values, faults }: Answers): void {
  for (const [at, { resolve, reject }] of group.entries()) {
    const fault = faults.get(at);
    if (fault === undefined) resolve(values[at]);
    else reject(toHookError(fault));
  }
}

function toHookError({ code, message, retryable, cause }: Fault & { cause?: unknown }): HookError {
  return new HookError(code, message, { retryable, cause });
}

/** What the runner itself threw: its thread ended, or it could not even be started. */
function toFault(thrown: unknown): StoreFault {
  if (thrown instanceof StoreFault) return thrown;
  return new StoreFault("STORE_FAILED", `sqlite: ${messageOf(thrown)}`, { cause: thrown });
}
