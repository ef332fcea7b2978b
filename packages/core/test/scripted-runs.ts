import {
  type ActiveRun,
  createRemoteRun,
  defineHook,
  HookError,
  type HookKind,
  type PolicyInput,
  type RemoteRunClient,
  type RemoteRunOptions,
  type RunReport,
  type StartedRun,
  type Store,
} from "@pipehooks/core";
import type { VirtualTime } from "@pipehooks/testing";
import { z } from "zod";

export interface Run {
  readonly id: string;
  readonly marker: string;
  readonly startedAt: number;
  state: RunReport["state"];
}

/** A service elsewhere on which runs take their time, with faults to switch on. */
export interface Elsewhere {
  readonly runs: Run[];
  /** What was asked of it: `start ph_…`, `look 1` …, with seconds since the beginning. */
  readonly calls: { readonly at: number; readonly what: string }[];
  readonly client: RemoteRunClient;
  times(what: string): number[];
}

export interface Script {
  /** How long a run takes. @default 20 s */
  readonly takesMs?: number;
  /** How the n-th run ends, from 0. @default succeeded */
  readonly ends?: (n: number) => Partial<RunReport>;
  readonly idempotent?: boolean;
  readonly findProves?: boolean;
  /** How old a run must be until lists have it. */
  readonly lagMs?: number;
  /** Called at every call, before its effect and after it; what it throws is what the client throws. */
  readonly fault?: (call: string, when: "before" | "after", n: number) => void | Promise<void>;
  readonly change?: (client: RemoteRunClient) => RemoteRunClient;
}

export function createElsewhere(time: VirtualTime, script: Script = {}): Elsewhere {
  const { takesMs = 20_000, lagMs = 0, idempotent = false, fault = () => {} } = script;
  const ends: NonNullable<Script["ends"]> = script.ends ?? (() => ({}));
  const start = time.now();
  const runs: Run[] = [];
  const calls: { at: number; what: string }[] = [];
  const counts = new Map<string, number>();

  const act = async <Result>(name: string, what: string, effect: () => Result): Promise<Result> => {
    const n = counts.get(name) ?? 0;
    counts.set(name, n + 1);
    calls.push({ at: (time.now() - start) / 1000, what: `${name} ${what}`.trim() });
    await fault(name, "before", n);
    const result = effect();
    await fault(name, "after", n);
    return result;
  };
  const toStarted = ({ id }: Run): StartedRun => ({ id, url: `https://runs.example/${id}` });
  const report = (run: Run): RunReport => {
    const end = ends(Number(run.id) - 1);
    if (run.state === "running" && time.now() >= run.startedAt + takesMs) {
      run.state = end.state ?? "succeeded";
    }
    const label = run.state.toUpperCase();
    return run.state === "running" || run.state === "cancelled"
      ? { state: run.state, label }
      : { label, ...end, state: run.state };
  };
  const listed = () => runs.filter((run) => run.startedAt + lagMs <= time.now());
  const add = (marker: string): StartedRun => {
    const known = idempotent ? runs.find((run) => run.marker === marker) : undefined;
    if (known !== undefined) return toStarted(known);
    const run: Run = {
      id: String(runs.length + 1),
      marker,
      startedAt: time.now(),
      state: "running",
    };
    runs.push(run);
    return toStarted(run);
  };
  const byId = (id: string): Run => {
    const run = runs.find((one) => one.id === id);
    if (run === undefined) throw new HookError("RECEIVER_REFUSED", `no run ${id}`);
    return run;
  };

  const client: RemoteRunClient = {
    what: "job 42",
    eventPrefix: "elsewhere",
    idempotent,
    findProves: script.findProves,
    isUnknown: ({ code }) => code !== "RECEIVER_REFUSED",
    start: ({ marker }) => act("start", "", () => add(marker)),
    find: ({ marker }) =>
      act("find", "", () => {
        const run = listed().find((one) => one.marker === marker);
        return run && toStarted(run);
      }),
    look: ({ id }) => act("look", id, () => report(byId(id))),
    cancel: ({ id }) =>
      act("cancel", id, () => {
        byId(id).state = "cancelled";
      }),
    active: () =>
      act("active", "", () =>
        listed()
          .filter((run) => ["running", "queued"].includes(report(run).state))
          .map((run): ActiveRun => ({ ...toStarted(run), queued: run.state === "queued" })),
      ),
  };
  return {
    runs,
    calls,
    client: script.change?.(client) ?? client,
    times: (what) => calls.filter((call) => call.what.startsWith(what)).map(({ at }) => at),
  };
}

/** A kind over a scripted client. */
export function toKind(
  client: RemoteRunClient,
  options: RemoteRunOptions = {},
  policy: PolicyInput = {},
) {
  const kind: HookKind = {
    name: "elsewhere",
    options: z.strictObject({}),
    policy,
    create: (_, { random, clock }) => ({
      deliver: createRemoteRun(client, options, { random, now: () => clock.now() }),
    }),
  };
  return defineHook(kind)({});
}

export function unreachable(message = "elsewhere did not answer"): HookError {
  return new HookError("RECEIVER_UNREACHABLE", message, { retryable: true });
}

/** Ends a "process" at its n-th step: from then on nothing that it asks for is answered. */
export interface Mortal {
  readonly dead: boolean;
  /** One step; never returns to the dead. */
  step(): Promise<void>;
  wrap(store: Store): Store;
}

export function createMortal(diesAt: number): Mortal {
  let steps = 0;
  let dead = false;
  const step = async (): Promise<void> => {
    steps += 1;
    if (steps === diesAt) dead = true;
    if (dead) await new Promise(() => {});
  };
  const through =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      await step();
      const result = await call(...given);
      await step();
      return result;
    };
  return {
    get dead() {
      return dead;
    },
    step,
    wrap: (store) => ({
      ...store,
      accept: through(store.accept),
      claim: through(store.claim),
      settle: through(store.settle),
      update: through(store.update),
      extend: (lease) => (dead ? new Promise(() => {}) : store.extend(lease)),
      lanes: () => (dead ? new Promise(() => {}) : store.lanes()),
      async [Symbol.asyncDispose]() {},
    }),
  };
}
