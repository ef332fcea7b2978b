import {
  type ConfiguredHook,
  createPipehooks,
  type EventTypes,
  type HookConfig,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { createFastClock } from "./fast-clock.ts";

/** A call of the store at which a process kills itself. */
export interface StoreCall {
  readonly call: "accept" | "claim" | "settle" | "update";
  /** `before` the store is asked, or `after` it has done it. */
  readonly when: "before" | "after";
  /** A pattern in what the store is asked, or (after it) has answered, as JSON. @default any */
  readonly matching?: string | undefined;
  /** Which of these calls, from 1. @default 1 */
  readonly number?: number | undefined;
}

/** What a process is told. */
export interface Life<Options> {
  /** The store's file. */
  readonly path: string;
  /** When its time began, in ms since the epoch, and how many times as fast as ours it runs. */
  readonly began: number;
  readonly speed: number;
  /** Ids of the events that it emits; one that is there already is not there twice. */
  readonly emits: readonly string[];
  /** For its hook. */
  readonly options: Options;
  readonly dies?: StoreCall | undefined;
}

/** What a process says when nothing is left to deliver. */
export interface LastWords {
  /** `chained delivered`, `load delivered`: hooks with the states of their deliveries. */
  readonly deliveries: readonly string[];
  /** Why deliveries ended as they did, where that was said. */
  readonly reasons: readonly string[];
}

/** How long a lease holds in real time: a process that comes after one that died waits for its end. */
const leaseMs = 300;
const lookMs = 15;
/** Nobody ends a process whose parent was ended. */
const longestLifeMs = 30_000;

/**
 * The program of a process that is killed: emits events for its hook `load`, delivers until nothing is left, with the
 * ends of runs to a hook `chained`, and says what became of it.
 */
export async function live<Options>(
  make: (life: Life<Options>) => {
    readonly store: Store;
    readonly hook: ConfiguredHook;
    readonly policy?: Partial<HookConfig>;
    readonly events: EventTypes;
    /** Events that tell of the ends of runs. */
    readonly ends: string;
  },
): Promise<void> {
  const life = JSON.parse(process.argv[2] ?? "") as Life<Options>;
  const { store, hook, policy, events, ends } = make(life);
  const bus = createPipehooks({
    store: toMortal(store, life.dies),
    clock: createFastClock(life.began, life.speed),
    leaseMs: leaseMs * life.speed,
    logger: silentLogger,
    events,
    hooks: [
      { name: "load", events: "pipeline.end", ...policy, hook },
      { name: "chained", events: ends, hook: () => {} },
    ],
  });
  for (const id of life.emits) await bus.emit("pipeline.end", { id, pipeline: "orders" });
  const unsettled = new Set(["waiting", "running", "retrying", "pending"]);
  const diesAt = performance.now() + longestLifeMs;
  for (;;) {
    const rows = await store.deliveries({});
    if (performance.now() > diesAt) throw new Error(`Still there: ${JSON.stringify(rows)}`);
    if (!rows.some(({ state }) => unsettled.has(state))) {
      const words: LastWords = {
        deliveries: rows.map(({ hook: name, state }) => `${name} ${state}`).sort(),
        reasons: rows.flatMap(({ reason }) => reason ?? []),
      };
      console.log(JSON.stringify(words));
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  await bus.close();
  process.exit(0);
}

function toMortal(store: Store, dies: StoreCall | undefined): Store {
  if (dies === undefined) return store;
  const { call, when, number = 1 } = dies;
  const pattern = new RegExp(dies.matching ?? "");
  let seen = 0;
  const dieIf = (...told: unknown[]): void => {
    if (!pattern.test(JSON.stringify(told))) return;
    seen += 1;
    if (seen === number) process.kill(process.pid, "SIGKILL");
  };
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== call) return value.bind(target);
      return async (...given: unknown[]) => {
        if (when === "before") dieIf(given);
        const answer: unknown = await value.apply(target, given);
        if (when === "after") dieIf(given, answer);
        return answer;
      };
    },
  });
}
