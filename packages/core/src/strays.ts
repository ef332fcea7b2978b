import { AsyncLocalStorage } from "node:async_hooks";
import type { Hook } from "./hook.ts";
import { nextTurn } from "./next-turn.ts";

/** Calls a function in the name of a hook: promises that it leaves behind are the hook's. */
export type InNameOf = <Values extends readonly unknown[], Result>(
  call: (...values: Values) => Result,
  ...values: Values
) => Result;

/** Told of what a hook did outside of its attempts; one for each hook. */
export interface Strays {
  /** A promise that nobody waits for was rejected. */
  rejected(reason: unknown): void;
  /** Its code has ended the process: it called `process.exit`, or threw where nobody could catch it. */
  exited(status: number): void;
}

interface Shared {
  readonly owner: AsyncLocalStorage<Strays>;
  readonly leaving: Set<Leave>;
}

/** Lets go of what a bus is at, but not of what the hook is at that has ended the process. */
type Leave = (culprit: Strays | undefined) => void;

// One for all copies of this package in a process: each would take what belongs to another one's hooks for anybody's.
const key = Symbol.for("pipehooks.strays");
const registry = globalThis as { [key]?: Shared };
const rejection = "unhandledRejection";

function shared(): Shared {
  registry[key] ??= listen();
  return registry[key];
}

/**
 * Keeps the process alive when a promise is rejected that a hook has not waited for, which ends a Node process otherwise
 * (https://nodejs.org/api/process.html#event-unhandledrejection), also after its bus was closed. Rejections of anybody else go
 * on as if nobody listened here.
 */
export function inNameOf(strays: Strays): InNameOf {
  return shared().owner.run(strays, () => AsyncLocalStorage.snapshot());
}

/**
 * Calls back while the process exits, with the hook whose code has ended it, if any: its deliveries may do that again, and
 * count as lost. Nothing is waited for then (https://nodejs.org/api/process.html#event-exit).
 */
export function whenLeaving(leave: Leave): Disposable {
  const { leaving } = shared();
  leaving.add(leave);
  return { [Symbol.dispose]: () => void leaving.delete(leave) };
}

/**
 * From now on all deliveries under way count as lost when the process exits. For a process that runs no code but hooks', once
 * something threw there that nobody caught: what was thrown need not lead back to its hook.
 */
export function letGoOfNothing(): void {
  shared().leaving.clear();
}

function listen(): Shared {
  const owner = new AsyncLocalStorage<Strays>();
  const leaving = new Set<Leave>();
  const hearStray = (reason: unknown): void => {
    const strays = owner.getStore();
    if (strays !== undefined) strays.rejected(reason);
    else if (process.listenerCount(rejection) === 1) passOn(reason);
  };
  /** Node does with it what it does by default, or as `--unhandled-rejections` says. */
  const passOn = (reason: unknown): void => {
    process.off(rejection, hearStray);
    void Promise.reject(reason);
    nextTurn(() => process.on(rejection, hearStray));
  };
  const hearExit = (status: number): void => {
    const culprit = owner.getStore();
    culprit?.exited(status);
    for (const leave of leaving) leave(culprit);
  };
  process.on(rejection, hearStray);
  process.on("exit", hearExit);
  return { owner, leaving };
}

/** The hook, all of whose code runs in its name. */
export function attribute(hook: Hook, inName: InNameOf): Hook {
  const { batch } = hook;
  return {
    deliver: (delivery) => inName(deliver, hook, delivery),
    ...(hook.check !== undefined && {
      check: async (signal, options) => inName(() => hook.check?.(signal, options)),
    }),
    ...(batch !== undefined && {
      batch: {
        record: (delivery) => inName(() => batch.record(delivery)),
        send: (records, call) => inName(() => batch.send(records, call)),
      },
    }),
  };
}

function deliver(hook: Hook, delivery: Parameters<Hook["deliver"]>[0]) {
  return hook.deliver(delivery);
}
