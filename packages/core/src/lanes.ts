import { createGathering } from "./batching/gathering.ts";
import { createBudgets } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { createDeadlines } from "./deadlines.ts";
import { createDestination, type Destination } from "./destination.ts";
import { parseRate } from "./duration.ts";
import { messageOf } from "./errors.ts";
import type { Hook } from "./hook.ts";
import { hookContext, type PreparedHook } from "./hook-config.ts";
import { createHookSwitch } from "./hook-switch.ts";
import type { Lane } from "./lane.ts";
import { strictest } from "./limiter.ts";
import type { Logger } from "./logger.ts";
import { createPace } from "./pace.ts";
import { type BreakerInput, toPolicy } from "./policy.ts";
import type { Redact } from "./redact.ts";
import { isOrdered } from "./router.ts";
import { Running } from "./running.ts";
import { createSharedValues } from "./shared-value.ts";
import type { Store } from "./store.ts";
import { attribute, inNameOf, type Strays } from "./strays.ts";
import { withoutStop } from "./without-stop.ts";

/** What several hooks share: one budget, one breaker. */
export interface DestinationInput {
  /** Windows that all hold at once, over all processes. */
  readonly rateLimit?: readonly string[] | undefined;
  /** Attempts at a time over all its hooks, in one process. @default no limit of its own */
  readonly concurrency?: number | undefined;
  /** Of all its hooks; `disableAfter` is a policy of each hook. */
  readonly breaker?: Omit<BreakerInput, "disableAfter"> | undefined;
}

/** A lane for each enabled hook, and the live hooks they made, to be disposed of. */
export interface Lanes {
  readonly byHook: ReadonlyMap<string, Lane>;
  /** Makes a hook if it is not there yet. */
  live(name: string): Hook | Promise<Hook> | undefined;
  dispose(): Promise<readonly unknown[]>;
}

const longestDisposalMs = 5000;

export function createLanes(parts: {
  readonly hooks: readonly PreparedHook[];
  readonly destinations: Readonly<Record<string, DestinationInput>>;
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly redact: Redact;
}): Lanes {
  const { hooks, store, logger } = parts;
  const enabled = hooks.filter(({ policy }) => policy.enabled);
  const destinations = new Map<string, Destination>();
  for (const [name, sharing] of Map.groupBy(enabled, ({ destination }) => destination)) {
    destinations.set(name, toDestination(name, sharing, parts));
  }
  const context = { ...parts, budget: createBudgets(parts), shared: createSharedValues(parts) };
  let disposed = false;
  /** A hook that does not end is left behind: nobody waits for it longer than this. */
  const dispose = async (hook: Hook): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const timer = parts.clock.timer(longestDisposalMs, () =>
      late.reject(new Error(`it took longer than ${longestDisposalMs} ms`)),
    );
    try {
      await Promise.race([hook[Symbol.asyncDispose]?.(), late.promise]);
    } finally {
      timer[Symbol.dispose]();
    }
  };
  const made: Hook[] = hooks.flatMap(({ given }) => given ?? []);
  const makerOf = (prepared: PreparedHook, strays: Strays) =>
    once(() => {
      const inName = inNameOf(strays);
      const keep = (hook: Hook): Hook => {
        // One whose making outlasted the bus.
        if (hook !== prepared.given && disposed) void dispose(hook).catch(() => {});
        else if (hook !== prepared.given) made.push(hook);
        return attribute(hook, inName);
      };
      const hook = inName(prepared.create, hookContext(prepared.name, context));
      return hook instanceof Promise ? hook.then(keep) : keep(hook);
    });
  const byHook = new Map(
    enabled.map((prepared): [string, Lane] => {
      const { name } = prepared;
      const strays = straysOf(name, logger);
      const lane: Lane = {
        hook: name,
        policy: prepared.policy,
        isOrdered: isOrdered(prepared.route),
        destination: destinations.get(prepared.destination) as Destination,
        switch: createHookSwitch(name, store),
        logger,
        strays,
        keepState: prepared.keepState,
        live: makerOf(prepared, strays),
        buffer: [],
        running: new Running(),
        deadlines: createDeadlines(parts.clock, prepared.policy.timeoutMs),
        gathering: prepared.batch === undefined ? undefined : createGathering(prepared.batch),
        promised: 0,
        wakeAt: Number.POSITIVE_INFINITY,
        pace: createPace(),
        asking: false,
        left: 0,
        behind: false,
        gate: prepared.gate,
        gateAt: Number.POSITIVE_INFINITY,
      };
      return [name, lane];
    }),
  );
  return {
    byHook,
    live: (name) => byHook.get(name)?.live(),
    async dispose() {
      const failures: unknown[] = [];
      disposed = true;
      for (const hook of made.splice(0).reverse()) {
        await dispose(hook).catch((error: unknown) => failures.push(error));
      }
      return failures;
    },
  };
}

function toDestination(
  name: string,
  sharing: readonly PreparedHook[],
  {
    destinations,
    store,
  }: { destinations: Readonly<Record<string, DestinationInput>>; store: Store },
): Destination {
  const input = destinations[name];
  return createDestination({
    name,
    store,
    windows: strictest([
      ...(input?.rateLimit ?? []).map(parseRate),
      ...sharing.flatMap(({ policy }) => policy.rateLimit),
    ]),
    concurrency: input?.concurrency ?? Number.POSITIVE_INFINITY,
    breaker:
      input?.breaker === undefined ? undefined : toPolicy({ breaker: input.breaker }).breaker,
  });
}

function straysOf(name: string, logger: Logger): Strays {
  return {
    rejected(reason) {
      logger.error(
        `Hook "${name}" has left a promise that was rejected: ${withoutStop(messageOf(reason))}. ` +
          "What its delivery came to stands all the same. Await such a promise in deliver(), or catch it.",
      );
    },
    exited(status) {
      logger.error(
        `Hook "${name}" has ended the process with status ${status}: it called process.exit, or threw in a timer or an ` +
          "event handler of its own. Catch what is thrown there.",
      );
    },
  };
}

/** Makes it once; a failure is not remembered, so the next attempt makes it anew. */
function once(make: () => Hook | Promise<Hook>): () => Hook | Promise<Hook> {
  let hook: Hook | undefined;
  let making: Promise<Hook> | undefined;
  const keep = (value: Hook): Hook => {
    hook = value;
    return value;
  };
  return () => {
    if (hook !== undefined) return hook;
    if (making !== undefined) return making;
    const result = make();
    if (!(result instanceof Promise)) return keep(result);
    making = result.then(keep).finally(() => {
      making = undefined;
    });
    return making;
  };
}
