import type { Clock } from "./clock.ts";
import { HookError } from "./errors.ts";
import { type Ended, toHookError } from "./judge.ts";

/** Something that runs and can be ended. */
export interface Attempt<Returned = unknown> {
  /** Never rejects. */
  readonly ending: Promise<Ended<Returned>>;
  /** Ends it now: the signal aborts, and what is still done is no longer waited for. */
  breakOff(error: HookError): void;
}

/** Runs some work within its time-out; work that ignores its signal does not hold it up. */
export function startAttempt<Returned>(run: {
  readonly work: (signal: AbortSignal) => Promise<unknown>;
  /** What it returned or threw, checked: hooks are also written without types. */
  readonly returned: (value: unknown) => Ended<Returned>;
  readonly threw: (error: HookError) => Ended<Returned>;
  /** Of an ending that comes after it was broken off: whether it still says something. */
  readonly says: (ending: Ended<Returned>) => boolean;
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}): Attempt<Returned> {
  const { name, timeoutMs } = run;
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Ended<Returned>>();
  let broken: "threw" | "broken off" | undefined;
  const end = (ending: Ended<Returned>) => {
    timer[Symbol.dispose]();
    resolve(ending);
  };
  const abort = (type: "threw" | "broken off", error: HookError) => {
    broken ??= type;
    timer[Symbol.dispose]();
    controller.abort(error);
    // A hook that hears its signal at once may still say what it was about.
    setImmediate(() => end({ type, error }));
  };
  const endBy = (ending: Ended<Returned>) => {
    if (broken === undefined) end(ending);
    else if (run.says(ending))
      end(ending.type === "returned" ? ending : { ...ending, type: broken });
  };
  const timer = run.clock.timer(timeoutMs, () =>
    abort(
      "threw",
      new HookError("TIMEOUT", `${name}: the attempt took longer than ${timeoutMs} ms.`, {
        retryable: true,
      }),
    ),
  );
  run.work(controller.signal).then(
    (value) => endBy(run.returned(value)),
    (thrown: unknown) => endBy(run.threw(toHookError(thrown))),
  );
  return { ending: promise, breakOff: (error) => abort("broken off", error) };
}
