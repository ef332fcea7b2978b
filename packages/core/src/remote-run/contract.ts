import type { HookError } from "../errors.ts";
import type { Delivery, Hook } from "../hook.ts";
import type { JsonObject } from "../json.ts";

/**
 * A hook that starts something elsewhere and sees it through. The author says how to start, to look, to find and to
 * cancel; {@link createRemoteRun} does the rest: what is about to happen is stored before it happens, a run is looked at
 * again after a restart instead of being started again, and a slot is never held while a run goes on.
 */
export interface RemoteRunClient {
  /** What a run is called in messages: `dbt job 42`. */
  readonly what: string;
  /** First part of the names of outcome events: `dbt` makes `dbt.run.completed`, `dbt.run.failed`, `dbt.run.cancelled`. */
  readonly eventPrefix: string;
  /**
   * Starts a run.
   * @throws HookError; {@link RemoteRunClient.isUnknown} says of which it is not known whether a run was started
   */
  start(trigger: Trigger): Promise<StartedRun>;
  /**
   * Whether starting twice with the same {@link Trigger.marker} starts one run (an idempotency token). Otherwise `find`
   * is asked before anything is started again.
   */
  readonly idempotent: boolean;
  /** Whether after this failure of `start` a run may exist: a time-out, a cut connection, 502, 504, HTML. */
  isUnknown(error: HookError): boolean;
  /** Looks for a run that was started with this marker. */
  find?(trigger: Trigger): Promise<StartedRun | undefined>;
  /**
   * Whether `find` that finds nothing, several times within a minute, proves that there is no run; then another one is
   * started without asking `whenUnknown`. For markers that can be read again, in lists that are complete.
   * @default false
   */
  readonly findProves?: boolean | undefined;
  /** How a run is. Throws where it cannot be told: that never fails the run. */
  look(run: StartedRun, signal: AbortSignal): Promise<RunReport>;
  /** Asks for its end; the end itself is seen by `look`. */
  cancel(run: StartedRun, signal: AbortSignal): Promise<void>;
  /** Runs of the same job that have not ended, oldest first; for `onRunning`. */
  active?(delivery: Delivery): Promise<readonly ActiveRun[]>;
  /**
   * Whether a run that this process started a moment ago and `active` does not list counts all the same: lists lag, but
   * it may also be of another job, or not do what this delivery needs. @default true
   */
  counts?(runId: string, delivery: Delivery): boolean;
  /** Starts what failed once more, where the receiver can do that from the point of failure. */
  startAgain?(run: StartedRun, trigger: Trigger): Promise<StartedRun>;
  /**
   * Takes from a budget before `start`; answers when to come again, and why, where there is none left. `skip` says why
   * no run is needed: the delivery is skipped.
   */
  admit?(trigger: Trigger): Promise<{
    readonly againAt?: number | undefined;
    readonly because?: string | undefined;
    readonly skip?: string | undefined;
  }>;
  /**
   * Of a failure of `start` that says no more than that there is no room at present, nothing having been started: after
   * how many milliseconds to try again. That is a wait like one for a budget, not a failed attempt.
   */
  noRoomForMs?(error: HookError): number | undefined;
}

/** One start of a run. */
export interface Trigger {
  readonly delivery: Delivery;
  /** The same for every try at this start, another one for a run that is started again: `[a-z0-9_]`, at most 60 characters. */
  readonly marker: string;
  readonly signal: AbortSignal;
  /**
   * The run that failed, where this start is to run it again: `find` knows by it what a receiver starts without our
   * marker. Kept in {@link RemoteRunState} while it is being started.
   */
  readonly previous?: StartedRun | undefined;
  /** When it was stored that this start is about to happen, in ms since the epoch: what `find` looks for is not older. */
  readonly since: number;
  /** Whether `admit` told this start to come again before; pass it on to `Budget.take`. */
  readonly waited?: boolean | undefined;
}

/** A run that exists. */
export interface StartedRun {
  /** As text, however the receiver writes it: 64-bit numbers lose digits as JavaScript numbers. A number becomes text. */
  readonly id: string;
  /** Where people look at it. */
  readonly url?: string | undefined;
  /** What else the client needs to look at it. */
  readonly extra?: JsonObject | undefined;
  /** When it was started, in ms since the epoch, where `find` finds one. @default now */
  readonly startedAt?: number | undefined;
}

export interface ActiveRun extends StartedRun {
  /** Whether it has not begun yet, so that it will see what has just been loaded. */
  readonly queued: boolean;
}

/** How a run is. */
export interface RunReport {
  /**
   * `unknown` is not an end: what the receiver says is not understood, and it is looked at again. Anything that is none of these
   * counts as that.
   */
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "unknown";
  /** As the receiver says it. */
  readonly label: string;
  /** What went wrong, for people. */
  readonly message?: string | undefined;
  /** Whether another run may end better; for `retryRun`. */
  readonly worthAnotherRun?: boolean | undefined;
  /** For the metadata of the outcome event: durations, results. What is no JSON is left out, which is logged. */
  readonly detail?: JsonObject | undefined;
  /** A better address, where it is known only now. */
  readonly url?: string | undefined;
}

/** What users say of a run; every kind takes these. */
export interface RemoteRunOptions {
  /** `false`: delivered as soon as the run is started. @default true */
  readonly waitForCompletion?: boolean | undefined;
  /** Waits between two looks: the first one and the longest; they grow by half, with jitter. @default 5s, 60s */
  readonly poll?:
    | { readonly first?: string | undefined; readonly longest?: string | undefined }
    | undefined;
  /** How long after its start a run may take. @default 24h */
  readonly deadline?: string | undefined;
  /** At the deadline. `leave`: it goes on and is not looked at any more; `cancel`: it is cancelled; `fail`: dead. @default "leave" */
  readonly onDeadline?: "leave" | "cancel" | "fail" | undefined;
  /** Where nobody can say whether a run was started. @default "give_up" */
  readonly whenUnknown?: "trigger_again" | "give_up" | undefined;
  /**
   * While a run of the same job goes on. `queue`: start another one; `skip`: start none; `one_follow_up`: start one only if
   * none is queued that will see what came; `cancel_and_replace`: end it and start another one.
   * @default "queue"
   */
  readonly onRunning?: "queue" | "skip" | "one_follow_up" | "cancel_and_replace" | undefined;
  /** Runs that are started again after a failure that is worth it. @default 0 */
  readonly retryRun?: number | undefined;
}

/** `deliver` of a hook over a {@link RemoteRunClient}. */
export type CreateRemoteRun = (
  client: RemoteRunClient,
  options: RemoteRunOptions,
  context: { readonly random: () => number; readonly now: () => number },
) => Hook["deliver"];

/** What is stored between two claims. */
export type RemoteRunState =
  | {
      readonly phase: "starting";
      readonly marker: string;
      /** The claim that was about to start it; a later one means that this process or another died over it. */
      readonly attempt: number;
      readonly again: number;
      /** {@link Trigger.previous}. */
      readonly previous?: StartedRun | undefined;
      /** {@link Trigger.since}. */
      readonly since: number;
      /** Since when it waits for a budget or for room. */
      readonly waitingSince?: number | undefined;
      /** Nobody knows whether it was started: how often `find` found nothing since, and why nobody knows. */
      readonly doubt?: {
        readonly since: number;
        readonly asked: number;
        readonly because: string;
      };
      /** How often it was started again because nobody knew. */
      readonly restarts?: number | undefined;
      /** How the run before failed, where this one is to run it again. */
      readonly failed?:
        | { readonly startedAt: number; readonly endedAt: number; readonly report: RunReport }
        | undefined;
    }
  | {
      readonly phase: "running" | "cancelling";
      readonly run: StartedRun;
      readonly startedAt: number;
      readonly looks: number;
      readonly again: number;
      /** Since when it is to be cancelled, or was asked to end: what is about to happen is stored before it happens. */
      readonly cancel?: { readonly since: number; readonly asked: boolean } | undefined;
      /** When it was first seen to be cancelled, where another one may be about to replace it. */
      readonly endSeenAt?: number | undefined;
      /** Looks in a row that told nothing. */
      readonly oddLooks: number;
      /** What the receiver said last, and what was wrong with the last look: each change is logged once. */
      readonly label?: string | undefined;
      readonly odd?: string | undefined;
    };
