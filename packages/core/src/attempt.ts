import type { Clock } from "./clock.ts";
import { HookError } from "./errors.ts";
import type { Delivery, Hook, Outcome } from "./hook.ts";
import { type Ending, toHookError } from "./judge.ts";

/** One running attempt. */
export interface Attempt {
  /** Never rejects. */
  readonly ending: Promise<Ending>;
  /** Ends it now: the hook's signal aborts, and what the hook still does is no longer waited for. */
  breakOff(error: HookError): void;
}

const plainlyDelivered: Outcome = Object.freeze({ type: "delivered" });

/** Runs one attempt within its time-out; a hook that ignores its signal does not hold it up. */
export function startAttempt(run: {
  readonly hook: () => Hook | Promise<Hook>;
  readonly delivery: (signal: AbortSignal) => Delivery;
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}): Attempt {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const end = (ending: Ending) => {
    timer[Symbol.dispose]();
    resolve(ending);
  };
  const abort = (type: "threw" | "broken off", error: HookError) => {
    end({ type, error });
    controller.abort(error);
  };
  const timer = run.clock.timer(run.timeoutMs, () =>
    abort(
      "threw",
      new HookError("TIMEOUT", `${run.name}: the attempt took longer than ${run.timeoutMs} ms.`, {
        retryable: true,
      }),
    ),
  );
  deliver(run, controller.signal).then(
    (outcome) => end({ type: "returned", outcome: outcome ?? plainlyDelivered }),
    (thrown: unknown) => end({ type: "threw", error: toHookError(thrown) }),
  );
  return { ending: promise, breakOff: (error) => abort("broken off", error) };
}

async function deliver(
  run: { hook: () => Hook | Promise<Hook>; delivery: (signal: AbortSignal) => Delivery },
  signal: AbortSignal,
): Promise<Outcome | void> {
  const made = run.hook();
  const hook = made instanceof Promise ? await made : made;
  return hook.deliver(run.delivery(signal));
}
