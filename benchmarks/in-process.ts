import { createMemoryStore, createPipehooks, type Store } from "@pipehooks/core";
import Emittery from "emittery";
import EventEmitter2 from "eventemitter2";
import { EventEmitter } from "eventemitter3";
import { createHooks } from "hookable";
import micromatch from "micromatch";
import { compileFilter, compileTypePatterns, createRouter } from "../packages/core/src/router.ts";
import { events, fields, makeEvent, type, wholeEvent } from "./event.ts";
import type { Contender } from "./measuring/comparison.ts";
import { compare } from "./measuring/measure.ts";
import { nanoseconds, nanosecondsAsync } from "./measuring/nanoseconds.ts";

const burst = 100;
const event = makeEvent(1);
const heard = { count: 0 };
const listen = () => {
  heard.count += 1;
};

/** One call after the other, each done before the next. */
function plain(role: Contender["role"], make: () => () => unknown): Contender {
  return toContender(role, make, nanoseconds);
}

/** Emits in bursts whose promises are awaited together, as a pipeline with many tasks does. */
function bursts(role: Contender["role"], make: () => () => Promise<unknown>): Contender {
  return toContender(role, make, (call) => nanosecondsAsync(call, burst));
}

function oneByOne(role: Contender["role"], make: () => () => Promise<unknown>): Contender {
  return toContender(role, make, (call) => nanosecondsAsync(call, 1));
}

function toContender<Result>(
  role: Contender["role"],
  make: () => () => Result,
  measure: (call: () => Result) => number | Promise<number>,
): Contender {
  return {
    role,
    open() {
      const call = make();
      return { measure: () => measure(call) };
    },
  };
}

function emitToListener(): () => Promise<unknown> {
  const bus = createPipehooks({ events });
  bus.on("data.*", listen);
  return () => bus.emit(type, fields);
}

await compare({
  title: "Emit in process: one listener",
  measures: [{ name: "time per emit", unit: "ns" }],
  contenders: {
    "Pipehooks, validated and stamped": bursts("ours", emitToListener),
    "Pipehooks, one after the other": oneByOne("other", emitToListener),
    "one zod parse of the event": plain("limit", () => () => wholeEvent.parse(event)),
    "JSON.stringify of the event": plain("limit", () => () => JSON.stringify(event)),
    "plain call": plain("limit", () => listen),
    eventemitter3: plain("peer", () => {
      const emitter = new EventEmitter();
      emitter.on(type, listen);
      return () => emitter.emit(type, event);
    }),
    hookable: oneByOne("peer", () => {
      const hooks = createHooks<Record<string, (it: unknown) => void>>();
      hooks.hook(type, listen);
      return async () => hooks.callHook(type, event);
    }),
    emittery: oneByOne("peer", () => {
      const emitter = new Emittery<Record<string, unknown>>();
      emitter.on(type, listen);
      return () => emitter.emit(type, event);
    }),
  },
  goals: ["Pipehooks, validated and stamped", "Pipehooks, one after the other"].map((of) => ({
    text: `${of}: at most 2.2 times one zod parse`,
    of,
    by: "one zod parse of the event",
    atMost: 2.2,
  })),
  notes: [
    `Of ${burst} emits at a time, and one after the other; the others check and stamp nothing, and answer at once.`,
  ],
});

/** Patterns of which one matches. */
function patterns(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? "data.*" : `own${index}.*`));
}

/** Keeps nothing, so that only the way to the store is measured. */
const forgetful: Store = {
  ...createMemoryStore(),
  async accept(batch) {
    return batch.map(({ deliveries }) => ({
      duplicate: false,
      deliveries: deliveries.map((_, index) => index),
    }));
  },
};

function emitRouted(count: number): Contender {
  return bursts(count === 10 ? "ours" : "other", () => {
    const bus = createPipehooks({
      events,
      deliver: false,
      store: forgetful,
      hooks: patterns(count).map((pattern, index) => ({
        name: `hook-${index}`,
        events: pattern,
        hook: () => {},
      })),
    });
    return () => bus.emit(type, fields);
  });
}

function routeAlone(count: number): Contender {
  return plain("other", () => {
    const router = createRouter(
      patterns(count).map((pattern, index) => ({
        hook: `hook-${index}`,
        patterns: [pattern],
        matchesType: compileTypePatterns([pattern]),
        filter: compileFilter({}),
        when: undefined,
        orderBy: undefined,
        gate: undefined,
      })),
    );
    return () => router.placesOf(event, 0);
  });
}

const many = 1_000;

await compare({
  title: "Routing: hooks registered, one of which takes the event",
  measures: [{ name: "time per event", unit: "ns" }],
  contenders: {
    "emit with 10 hooks": emitRouted(10),
    "emit with 1,000 hooks": emitRouted(many),
    "emit with 10,000 hooks": emitRouted(10_000),
    "route alone, 10 hooks": routeAlone(10),
    "route alone, 1,000 hooks": routeAlone(many),
    "route alone, 10,000 hooks": routeAlone(10_000),
    "eventemitter2, 1,000 wildcards": plain("peer", () => {
      const emitter = new EventEmitter2.EventEmitter2({ wildcard: true, maxListeners: 0 });
      for (const pattern of patterns(many)) emitter.on(pattern, listen);
      return () => emitter.emit(type, event);
    }),
    "micromatch.isMatch, 1,000 patterns": plain("peer", () => {
      const globs = patterns(many);
      return () => globs.filter((pattern) => micromatch.isMatch(type, pattern));
    }),
  },
  goals: ["emit with 1,000 hooks", "emit with 10,000 hooks"].map((of) => ({
    text: `${of}: within 10% of 10 hooks`,
    of,
    by: "emit with 10 hooks",
    atMost: 1.1,
  })),
});
