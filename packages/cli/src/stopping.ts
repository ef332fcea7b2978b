import { constants } from "node:os";

/** Ctrl-C, or a supervisor that wants the process to end. */
export interface Stopping extends Disposable {
  readonly signal: AbortSignal;
}

/** The first SIGINT or SIGTERM aborts the signal, so that work can end in order; the second one ends the process. */
export function listenForStop(onFirst: () => void = () => {}): Stopping {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
    controller.abort();
    onFirst();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
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
