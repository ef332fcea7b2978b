import {
  createPipehooks,
  defineHook,
  type HookError,
  type Pipehooks,
  type PipehooksOptions,
  type PolicyInput,
  policySchema,
  silentLogger,
  toPolicy,
} from "@pipehooks/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { openBus } from "./virtual-bus.ts";

const nothing = () => {};

/** The message that a configuration is refused with. */
function refusal(options: object): string {
  let bus: Pipehooks;
  try {
    bus = createPipehooks({ logger: silentLogger, ...options } as PipehooksOptions);
  } catch (error) {
    expect((error as HookError).code).toBe("CONFIG_INVALID");
    return (error as Error).message;
  }
  void bus.close();
  throw new Error("The configuration was taken.");
}

describe("policies", () => {
  test("have the defaults that are documented", () => {
    expect(toPolicy()).toEqual({
      timeoutMs: 30_000,
      retry: {
        attempts: 12,
        baseMs: 1000,
        factor: 3,
        capMs: 3_600_000,
        jitter: "full",
        maxAgeMs: 86_400_000,
      },
      concurrency: 10,
      orderBy: undefined,
      rateLimit: [],
      breaker: { failures: 5, resetMs: 60_000, disableAfter: undefined },
      enabled: true,
    });
  });

  test("every key takes effect", () => {
    const policy = toPolicy({
      timeout: "5s",
      retry: { attempts: 2, base: "10ms", factor: 2, cap: "1m", jitter: "none", maxAge: "1h" },
      concurrency: 3,
      orderBy: "pipeline",
      rateLimit: ["20/1m", "60/h"],
      breaker: { failures: 1, reset: "10s", disableAfter: 9 },
      enabled: false,
    });

    expect(policy).toEqual({
      timeoutMs: 5000,
      retry: {
        attempts: 2,
        baseMs: 10,
        factor: 2,
        capMs: 60_000,
        jitter: "none",
        maxAgeMs: 3_600_000,
      },
      concurrency: 3,
      orderBy: "pipeline",
      rateLimit: [
        { count: 20, windowMs: 60_000 },
        { count: 60, windowMs: 3_600_000 },
      ],
      breaker: { failures: 1, resetMs: 10_000, disableAfter: 9 },
      enabled: false,
    });
  });

  test("what is given in milliseconds wins over the text beside it", () => {
    const policy = toPolicy({
      timeout: "5s",
      timeoutMs: 1,
      retry: { base: "5s", baseMs: 2, cap: "5s", capMs: 3, maxAge: "5s", maxAgeMs: 4 },
      breaker: { reset: "5s", resetMs: 5 },
    });

    expect([
      policy.timeoutMs,
      policy.retry.baseMs,
      policy.retry.capMs,
      policy.retry.maxAgeMs,
      policy.breaker.resetMs,
    ]).toEqual([1, 2, 3, 4, 5]);
  });

  test("the hook wins over its kind, the kind over the defaults, key by key, inside retry and breaker too", () => {
    const kind = defineHook({
      name: "sample",
      options: z.strictObject({}),
      policy: {
        timeoutMs: 2000,
        concurrency: 2,
        retry: { attempts: 2, base: "2s" },
        breaker: { failures: 2, disableAfter: 2 },
      },
      create: () => ({ deliver: nothing }),
    });

    const { bus } = openBus({
      defaults: {
        timeout: "1s",
        concurrency: 1,
        orderBy: "pipeline",
        retry: { attempts: 1, factor: 1, base: "1s" },
        breaker: { failures: 1, reset: "1s", disableAfter: 1 },
      },
      hooks: [
        {
          name: "one",
          events: "*",
          hook: kind({}),
          timeout: "3s",
          retry: { attempts: 3 },
          breaker: { failures: 3 },
        },
      ],
    });

    expect(bus.hooks[0]?.policy).toMatchObject({
      timeoutMs: 3000,
      concurrency: 2,
      orderBy: "pipeline",
      retry: { attempts: 3, baseMs: 2000, factor: 1, capMs: 3_600_000 },
      breaker: { failures: 3, resetMs: 1000, disableAfter: 2 },
    });
  });

  test.for([
    ["timeout", { timeout: "30" }],
    ["timeout", { timeout: "0s" }],
    ["timeout", { timeout: "366d" }],
    ["timeout", { timeout: 30 }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: 1.5 }],
    ["timeoutMs", { timeoutMs: 1e15 }],
    ["retry.attempts", { retry: { attempts: 0 } }],
    ["retry.attempts", { retry: { attempts: 1001 } }],
    ["retry.base", { retry: { base: "1 s" } }],
    ["retry.baseMs", { retry: { baseMs: -1 } }],
    ["retry.factor", { retry: { factor: 0.5 } }],
    ["retry.cap", { retry: { cap: "soon" } }],
    ["retry.jitter", { retry: { jitter: "some" } }],
    ["retry.maxAge", { retry: { maxAge: "0s" } }],
    ["max_age", { retry: { max_age: "1h" } }],
    ["concurrency", { concurrency: 0 }],
    ["concurrency", { concurrency: 10_001 }],
    ["orderBy", { orderBy: "" }],
    ["rateLimit", { rateLimit: [] }],
    ["rateLimit.0", { rateLimit: ["often"] }],
    ["rateLimit.1", { rateLimit: ["1/1s", "0/1s"] }],
    ["rateLimit.0", { rateLimit: ["1/0s"] }],
    ["breaker.failures", { breaker: { failures: 0 } }],
    ["breaker.reset", { breaker: { reset: "0s" } }],
    ["breaker.disableAfter", { breaker: { disableAfter: 0 } }],
    ["enabled", { enabled: "no" }],
    ["order_by", { order_by: "pipeline" }],
  ] as const)("a bad value is refused with its path: %s in %j", ([path, policy]) => {
    expect(policySchema.safeParse(policy).success).toBe(false);
    expect(refusal({ hooks: [{ name: "one", events: "*", hook: nothing, ...policy }] })).toContain(
      path,
    );
    expect(refusal({ defaults: policy })).toContain(path);
  });

  test("the longest values are taken", () => {
    const longest: PolicyInput = {
      timeout: "365d",
      retry: { attempts: 1000, base: "365d", cap: "365d", maxAge: "365d", factor: 100 },
      concurrency: 10_000,
      rateLimit: ["1/365d"],
      breaker: { reset: "365d" },
    };

    expect(policySchema.safeParse(longest).success).toBe(true);
  });
});

describe("configuration", () => {
  const kind = defineHook({
    name: "sample",
    options: z.strictObject({ url: z.url(), token: z.string() }),
    create: () => ({ deliver: nothing }),
  });

  test("all problems are told at once, each with its place", () => {
    const message = refusal({
      source: "",
      maxEventBytes: -1,
      leaseMs: 0,
      defaults: { timeout: "x" },
      destinations: {
        hex: { rateLimit: ["often"], concurrency: 0, breaker: { failures: 0, disableAfter: 3 } },
      },
      retention: { maxAge: "long", maxEvents: -1 },
      events: { "Not A Type": z.object({}) },
      hooks: [
        {
          name: "one",
          events: "{a",
          hook: nothing,
          when: "event.type ==",
          filter: { tables: ["["] },
        },
        { name: "two", events: "*", hook: kind({ url: "nowhere" } as never), when: "1 + 1" },
        { name: "two", events: [], hook: nothing, filter: { table: [] } },
        { events: "*", hook: "webhook", timeout: 4 },
        { name: "bad name", events: "*", hook: kind },
      ],
    });

    for (const part of [
      "source: ",
      "maxEventBytes: ",
      "leaseMs: ",
      "defaults.timeout: ",
      "destinations.hex.rateLimit.0: ",
      "destinations.hex.concurrency: ",
      "destinations.hex.breaker.failures: ",
      "disableAfter",
      "retention.maxAge: ",
      "retention.maxEvents: ",
      'events: Event type "Not A Type"',
      'hook "one": "{a" is not a glob',
      'hook "one": Condition "event.type =="',
      'hook "one": "[" is not a glob',
      'hook "two": options of sample: url: ',
      "token: ",
      'hook "two": Condition "1 + 1"',
      'hook "two": the name is used twice',
      'hook "two": events: ',
      'hook "two": filter: ',
      "hooks[3]: name: ",
      "hooks[3]: hook: ",
      "hooks[3]: timeout: ",
      'hook "bad name": name: ',
      'hook "bad name": hook: ',
    ]) {
      expect(message).toContain(part);
    }
  });

  test.for([
    [{ hooks: {} }, "hooks: "],
    [{ hooks: 5 }, "hooks: "],
    [{ store: {} }, "store: give an object with the methods accept, claim"],
    [{ logger: console.log }, "logger: give an object with the methods debug, info, warn, error"],
    [{ clock: Date }, "clock: give an object with the methods now, timer"],
    [{ random: 4 }, "random: give a function"],
    [{ deliver: "no" }, "deliver: "],
    [{ allowUnknownTypes: "no" }, "allowUnknownTypes: "],
    [{ source: "a b" }, "source: a source is a URI reference without spaces"],
    [{ secrets: "x" }, "secrets: "],
    [{ events: { "orders.done": 5 } }, 'events: Event type "orders.done" has no schema'],
    [{ hooks: [{ name: "a", events: "*", hook: { kind: {} } }] }, 'hook "a": hook: give webhook'],
  ] as const)("%j is refused as a configuration", ([options, said]) => {
    expect(() => createPipehooks(options as never)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(said),
      }),
    );
  });

  test("a good configuration is taken whole", () => {
    const { bus } = openBus({
      source: "/prod",
      maxEventBytes: 1000,
      leaseMs: 1000,
      defaults: { timeout: "1s" },
      destinations: { hex: { rateLimit: ["1/s"], concurrency: 1, breaker: { reset: "1s" } } },
      retention: { maxAge: "1d", deadMaxAge: "2d", maxEvents: 0 },
      hooks: [
        { name: "one", events: "*", hook: kind({ url: "https://x.test", token: "t" }) },
        { name: "two", events: "*", hook: { deliver: nothing }, destination: "hex" },
      ],
    });

    expect(bus.hooks.map(({ name, kind: of, destination }) => [name, of, destination])).toEqual([
      ["one", "sample", "one"],
      ["two", "code", "hex"],
    ]);
  });

  test("the destination is what the hook says, else what its kind makes of the options, else the hook's name", () => {
    const hosted = defineHook({
      name: "hosted",
      options: z.strictObject({ url: z.url() }),
      destination: ({ url }) => new URL(url).host,
      create: () => ({ deliver: nothing }),
    });
    const hook = hosted({ url: "https://api.test/x" });

    const { bus } = openBus({
      hooks: [
        { name: "a", events: "*", hook },
        { name: "b", events: "*", hook, destination: "mine" },
        { name: "c", events: "*", hook: nothing },
      ],
    });

    expect(bus.hooks.map(({ destination }) => destination)).toEqual(["api.test", "mine", "c"]);
  });

  test("options are checked when the bus is made, and the hook is made from what its schema gives", async () => {
    const made: unknown[] = [];
    const counting = defineHook({
      name: "counting",
      options: z.strictObject({ every: z.int().default(3) }),
      create: (options, { name }) => {
        made.push([name, options]);
        return { deliver: nothing };
      },
    });
    const { bus, time } = openBus({ hooks: [{ name: "one", events: "*", hook: counting({}) }] });
    const before = [...made];

    await bus.emit("pipeline.start");
    await time.advance(0);
    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(before).toEqual([]);
    expect(made).toEqual([["one", { every: 3 }]]);
  });

  test("options with an asynchronous schema are refused", () => {
    const slow = defineHook({
      name: "slow",
      options: z.object({}).refine(async () => true),
      create: () => ({ deliver: nothing }),
    });

    expect(refusal({ hooks: [{ name: "one", events: "*", hook: slow({}) }] })).toContain(
      "asynchronously",
    );
  });

  test("a secret among the options stands in no message about other options", () => {
    const message = refusal({
      hooks: [{ name: "one", events: "*", hook: kind({ url: 4, token: "topsecret" } as never) }],
    });

    expect(message).not.toContain("topsecret");
  });
});
