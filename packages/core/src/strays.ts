import { AsyncLocalStorage } from "node:async_hooks";
import type { Hook } from "./hook.ts";

/** Calls a function in the name of a hook: promises that it leaves behind are the hook's. */
export type InNameOf = <Values extends readonly unknown[], Result>(
  call: (...values: Values) => Result,
  ...values: Values
) => Result;

/** Takes what a promise was rejected with that nobody waits for. */
type Report = (reason: unknown) => void;

// One for all copies of this package in a process: each would take what belongs to another one's hooks for anybody's.
const key = Symbol.for("pipehooks.strays");
const shared = globalThis as { [key]?: AsyncLocalStorage<Report> };
const rejection = "unhandledRejection";

/**
 * Keeps the process alive when a promise is rejected that a hook has not waited for, which ends a Node process otherwise
 * (https://nodejs.org/api/process.html#event-unhandledrejection), also after its bus was closed. Rejections of anybody else go
 * on as if nobody listened here.
 */
export function inNameOf(report: Report): InNameOf {
  shared[key] ??= listen();
  return shared[key].run(report, () => AsyncLocalStorage.snapshot());
}

function listen(): AsyncLocalStorage<Report> {
  const owner = new AsyncLocalStorage<Report>();
  const hearStray = (reason: unknown): void => {
    const report = owner.getStore();
    if (report !== undefined) report(reason);
    else if (process.listenerCount(rejection) === 1) passOn(reason);
  };
  /** Node does with it what it does by default, or as `--unhandled-rejections` says. */
  const passOn = (reason: unknown): void => {
    process.off(rejection, hearStray);
    void Promise.reject(reason);
    setImmediate(() => process.on(rejection, hearStray));
  };
  process.on(rejection, hearStray);
  return owner;
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
