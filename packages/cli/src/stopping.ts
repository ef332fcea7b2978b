import { constants } from "node:os";

/** Ctrl-C, a supervisor that wants the process to end, a terminal that was closed. */
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Whether one of them has come; listens until it is disposed of. */
export interface Stopping extends Disposable {
  readonly signal: AbortSignal;
}

/** The first SIGINT, SIGTERM or SIGHUP aborts the signal, so that work can end in order; the second one ends the process. */
export function listenForStop(onFirst: () => void = () => {}): Stopping {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
    controller.abort();
    onFirst();
  };
  for (const name of stopSignals) process.on(name, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of stopSignals) process.off(name, stop);
    },
  };
}

/** Resolves when `signal` aborts; keeps the process alive until then. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const held = setInterval(() => {}, 2_147_483_647);
    const done = () => {
      clearInterval(held);
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}
