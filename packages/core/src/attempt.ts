import { Deadline, type Deadlines } from "./deadlines.ts";
import { HookError } from "./errors.ts";
import { type Ended, toHookError } from "./judge.ts";
import { nextTurn } from "./next-turn.ts";

/** How work hears that it is to stop. */
export interface Stop {
  /** Made when first asked for: it costs more than all else that an attempt needs. */
  readonly signal: AbortSignal;
  /** Calls back once when the signal would abort, or at once where it would be aborted; never after the end. */
  onAbort(listener: (reason: HookError) => void): void;
}

/** Something that runs and can be ended. */
export interface Attempt {
  /** In milliseconds since the epoch. */
  readonly startedAt: number;
  /** Ends it now: the signal aborts, and what is still done is no longer waited for. */
  breakOff(error: HookError): void;
}

export interface AttemptRun<Returned> {
  /** May throw, and may answer what is no promise: hooks are also written without types. */
  readonly work: (stop: Stop) => unknown;
  /** What it returned or threw, checked. */
  readonly returned: (value: unknown) => Ended<Returned>;
  readonly threw: (error: HookError) => Ended<Returned>;
  /** Of an ending that comes after it was broken off: whether it still says something. */
  readonly says: (ending: Ended<Returned>) => boolean;
  /** Called once, never before {@link startAttempt} has returned. */
  readonly ended: (ending: Ended<Returned>) => void;
  readonly name: string;
  readonly startedAt: number;
  readonly timeoutMs: number;
  /** Of that length. */
  readonly deadlines: Deadlines;
}

/** Runs some work within its time-out; work that ignores its signal does not hold it up. */
export function startAttempt<Returned>(run: AttemptRun<Returned>): Attempt {
  return new RunningAttempt(run);
}

/** A class, because one is made for each delivery, and each closure of one would be made anew. */
class RunningAttempt<Returned> extends Deadline implements Attempt, Stop {
  readonly #run: AttemptRun<Returned>;
  // Until it is over: an attempt that outlives its end in the heap keeps nothing else there.
  #controller: AbortController | undefined;
  #listener: ((reason: HookError) => void) | undefined;
  /** Why it was to stop. */
  #reason: HookError | undefined;
  #broken: "threw" | "broken off" | undefined;
  #isOver = false;

  constructor(run: AttemptRun<Returned>) {
    super();
    this.#run = run;
    run.deadlines.set(this, run.startedAt);
    this.#begin().then(
      (value) => this.#endBy(run.returned(value)),
      (thrown: unknown) => this.#endBy(run.threw(toHookError(thrown))),
    );
  }

  #begin(): Promise<unknown> {
    try {
      return Promise.resolve(this.#run.work(this));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  get signal(): AbortSignal {
    const controller = this.#controller ?? new AbortController();
    this.#controller = controller;
    if (this.#reason !== undefined) controller.abort(this.#reason);
    return controller.signal;
  }

  onAbort(listener: (reason: HookError) => void): void {
    if (this.#reason !== undefined) listener(this.#reason);
    else if (this.#isOver) return;
    else if (this.#listener === undefined) this.#listener = listener;
    else {
      const { signal } = this;
      signal.addEventListener("abort", () => listener(signal.reason as HookError));
    }
  }

  get startedAt(): number {
    return this.#run.startedAt;
  }

  breakOff(error: HookError): void {
    this.#abort("broken off", error);
  }

  override expire(): void {
    const { name, timeoutMs } = this.#run;
    const message = `${name}: the attempt took longer than ${timeoutMs} ms.`;
    this.#abort("threw", new HookError("TIMEOUT", message, { retryable: true }));
  }

  #abort(type: "threw" | "broken off", error: HookError): void {
    this.#broken ??= type;
    this.#run.deadlines.lift(this);
    if (this.#reason === undefined) {
      this.#reason = error;
      this.#controller?.abort(error);
      this.#listener?.(error);
    }
    // A hook that hears its signal at once may still say what it was about.
    nextTurn(() => this.#end({ type, error }));
  }

  #endBy(ending: Ended<Returned>): void {
    const broken = this.#broken;
    if (broken === undefined) this.#end(ending);
    else if (this.#run.says(ending)) {
      this.#end(ending.type === "returned" ? ending : { ...ending, type: broken });
    }
  }

  #end(ending: Ended<Returned>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller = undefined;
    this.#listener = undefined;
    this.#run.deadlines.lift(this);
    this.#run.ended(ending);
  }
}
