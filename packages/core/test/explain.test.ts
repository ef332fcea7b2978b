import {
  createMemoryStore,
  type DeliveryStep,
  type Explanation,
  explainRoute,
  type HookConfig,
  HookError,
  type HookExplanation,
  type PipehooksOptions,
  pending,
  skipped,
  type WhenStep,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { keepOpen, openBus, untilAborted } from "./virtual-bus.ts";

const failed = {
  type: "pipeline.error",
  pipeline: "prod_orders",
  error: { message: "no such file", severity: "WARNING" },
} as const;

/** What one hook would make of an event that is not stored. */
async function foresee(
  config: Partial<HookConfig>,
  target: Parameters<ReturnType<typeof openBus>["bus"]["explain"]>[0] = failed,
): Promise<HookExplanation> {
  const hooks = [{ name: "ops", events: "*", hook: () => {}, ...config }];
  const { bus } = openBus({ hooks });
  return hookOf(await bus.explain(target));
}

function hookOf(explanation: Explanation | undefined, name?: string): HookExplanation {
  const found = explanation?.hooks.find(({ hook }) => name === undefined || hook === name);
  expect(found).toBeDefined();
  return found as HookExplanation;
}

function step(hook: HookExplanation, name: string) {
  return hook.steps.find((each) => each.step === name);
}

function deliveryOf(hook: HookExplanation): DeliveryStep {
  return step(hook, "delivery") as DeliveryStep;
}

describe("an event that is not stored", () => {
  test("fires a hook that takes it, and nothing is stored by asking", async () => {
    const { bus } = openBus({ hooks: [{ name: "ops", events: "pipeline.*", hook: () => {} }] });

    const explanation = await bus.explain(failed);

    expect(explanation).toMatchObject({ stored: false, event: failed, otherSources: [] });
    expect(hookOf(explanation)).toMatchObject({
      verdict: "fires",
      reached: true,
      summary: "fires",
      steps: [
        { step: "enabled", verdict: "passed" },
        { step: "switch", verdict: "passed" },
        { step: "events", verdict: "passed", takenBy: "pipeline.*" },
      ],
    });
    expect(await bus.store.events({})).toEqual([]);
  });

  test("is validated as emit would", async () => {
    const { bus } = openBus();

    const refused = bus.explain({ type: "pipeline.erro" });

    await expect(refused).rejects.toMatchObject({ code: "EVENT_TYPE_UNKNOWN" });
    await expect(bus.explain({ type: "pipeline.end", pipeline: "" })).rejects.toMatchObject({
      code: "EVENT_INVALID",
    });
  });

  test("of which the store has the id is the stored one: to emit it again would add nothing", async () => {
    const { bus } = openBus({ hooks: [{ name: "ops", events: "*", hook: () => {} }] });
    await bus.emit("pipeline.end", { id: "1", pipeline: "first" });
    await bus.drain();

    const explanation = await bus.explain({ type: "pipeline.end", id: "1", pipeline: "second" });

    expect(explanation).toMatchObject({ stored: true, event: { pipeline: "first" } });
    expect(hookOf(explanation).verdict).toBe("delivered");
  });

  test("does not fire a hook that the configuration switches off", async () => {
    const hook = await foresee({ enabled: false });

    expect(hook).toMatchObject({
      verdict: "not_reached",
      reached: false,
      summary: 'does not fire: the configuration says "enabled: false"',
    });
  });

  test("fires a disabled hook, but waits; since when and why is told", async () => {
    const { bus, time } = openBus({ hooks: [{ name: "ops", events: "*", hook: () => {} }] });
    await time.advance(1000);
    await bus.disable("ops", "maintenance");

    const hook = hookOf(await bus.explain(failed));

    expect(hook.verdict).toBe("fires");
    expect(hook.summary).toBe(
      "fires, but waits: its hook is disabled since 2026-01-01T00:00:01Z: maintenance",
    );
    expect(step(hook, "switch")).toMatchObject({
      verdict: "waits",
      disabledAt: "2026-01-01T00:00:01Z",
      because: "maintenance",
    });
  });
});

describe("the step of event types names", () => {
  test.for([
    [
      "the pattern that took the type",
      ["table.*", "pipeline.{end,error}"],
      { takenBy: "pipeline.{end,error}" },
      "pipeline.error fits pipeline.{end,error}",
    ],
    [
      "the pattern that took it away",
      ["pipeline.*", "!*.error"],
      { takenBy: "pipeline.*", takenAwayBy: "!*.error" },
      "pipeline.error fits pipeline.*, but is taken away by !*.error",
    ],
    [
      "all that might have fitted",
      ["table.*", "action.end"],
      {},
      "pipeline.error fits none of table.*, action.end",
    ],
    [
      "what was taken away, where there is nothing else",
      ["!pipeline.end"],
      {},
      "pipeline.error fits all but !pipeline.end",
    ],
  ] as const)("%s", async ([, events, fields, text]) => {
    const hook = await foresee({ events });

    expect(step(hook, "events")).toMatchObject({
      ...fields,
      type: "pipeline.error",
      patterns: events,
      text,
    });
  });

  test("that Pipehooks' own events must be asked for by name", async () => {
    const { bus } = openBus({
      hooks: [
        { name: "dead", events: "pipehooks.delivery.*", hook: () => {} },
        { name: "all", events: "*", hook: () => {} },
        {
          name: "fails",
          events: "pipeline.*",
          hook: () => {
            throw new HookError("RECEIVER_REFUSED", "no", { retryable: false });
          },
        },
      ],
    });
    await bus.emit("pipeline.end", {});
    await bus.drain();
    const [row] = await bus.store.events({ type: "pipehooks.delivery.dead" });
    const { id } = JSON.parse(row?.body ?? "{}") as { id: string };

    const explanation = await bus.explain(id);

    expect(hookOf(explanation, "dead").verdict).toBe("delivered");
    expect(hookOf(explanation, "all").summary).toContain("must be asked for by name");
  });
});

test("the filter tells each field with its patterns, its value and whether it passed", async () => {
  const filter = { pipelines: ["prod_*"], flowgroups: ["nightly"], actions: ["!test_*"] };
  const hook = await foresee({ filter });

  expect(step(hook, "filter")).toMatchObject({
    verdict: "stopped",
    fields: [
      { field: "pipeline", patterns: ["prod_*"], value: "prod_orders", passed: true },
      { field: "flowgroup", patterns: ["nightly"], value: undefined, passed: false },
      { field: "action", patterns: ["!test_*"], passed: true },
    ],
  });
  expect(hook.summary).toBe("does not fire: flowgroup is missing, which does not pass nightly");
});

describe("the condition", () => {
  test("is told with what made it false", async () => {
    const hook = await foresee({ when: 'event.error.severity == "CRITICAL"' });

    expect(hook.summary).toBe(
      "does not fire: when is false: event.error.severity is WARNING, not CRITICAL",
    );
    expect(step(hook, "when")).toMatchObject({ verdict: "stopped", condition: { result: false } });
  });

  test("that cannot be worked out counts as false, and why it cannot is told", async () => {
    const hook = await foresee({ when: "event.pipeline > 3" });

    expect(hook.summary).toMatch(
      /cannot be worked out, which counts as false: event\.pipeline > 3 /,
    );
    expect((step(hook, "when") as WhenStep).condition?.result).toBeNull();
  });

  test("in code is told by its result only", async () => {
    const isLarge = () => false;

    const hook = await foresee({ when: isLarge });

    expect(hook.summary).toBe("does not fire: when is false: isLarge() answers false");
  });

  test("in code is not called for an event that does not come that far", async () => {
    let calls = 0;
    const when = () => {
      calls += 1;
      return true;
    };

    const hook = await foresee({ events: "table.*", when });

    expect(calls).toBe(0);
    expect(step(hook, "when")).toMatchObject({
      verdict: "unasked",
      text: "a function is not asked",
    });
  });
});

describe("an event that is stored", () => {
  /** Emits one event, lets time go on, and explains it. */
  async function afterEmit(
    deliver: HookConfig["hook"],
    { waitMs = 0, ...config }: Partial<HookConfig> & { waitMs?: number } = {},
    options: Partial<PipehooksOptions<Record<never, never>>> = {},
  ) {
    const opened = openBus({
      ...options,
      hooks: [{ name: "ops", events: "*", hook: deliver, ...config }],
    });
    const { bus, time } = opened;
    const { event } = await bus.emit("pipeline.error", { pipeline: "prod_orders" });
    await time.advance(waitMs);
    const explanation = await bus.explain(event.id);
    return { ...opened, event, explanation, hook: hookOf(explanation) };
  }

  test("is found by its id, with when it was accepted", async () => {
    const { explanation, event } = await afterEmit(() => {});

    expect(explanation).toMatchObject({
      event,
      stored: true,
      acceptedAt: "2026-01-01T00:00:00Z",
    });
  });

  test("is not found where there is none", async () => {
    const { bus } = openBus();

    expect(await bus.explain("nobody")).toBeUndefined();
  });

  test("that reached nobody is explained, too", async () => {
    const { hook } = await afterEmit(() => {}, { events: "table.*" });

    expect(hook).toMatchObject({ verdict: "not_reached", changed: undefined });
    expect(hook.summary).toBe("does not fire: pipeline.error fits none of table.*");
  });

  test("was delivered: its attempts with outcome, code and message", async () => {
    let calls = 0;
    const { hook } = await afterEmit(
      () => {
        calls += 1;
        if (calls < 3)
          throw new HookError("RECEIVER_UNREACHABLE", `no ${calls}`, { retryable: true });
      },
      { retry: { base: "1s", factor: 1, jitter: "none" }, waitMs: 5000 },
    );

    expect(hook).toMatchObject({ verdict: "delivered", summary: "delivered after 3 attempts" });
    expect(deliveryOf(hook)).toMatchObject({
      verdict: "passed",
      delivery: "dlv_1",
      settledAt: "2026-01-01T00:00:02Z",
      attempts: [
        { number: 1, outcome: "retry", code: "RECEIVER_UNREACHABLE", message: "no 1" },
        { number: 2, outcome: "retry", startedAt: "2026-01-01T00:00:01Z" },
        { number: 3, outcome: "delivered" },
      ],
    });
  });

  test("is tried again: when, and why it failed", async () => {
    const { hook } = await afterEmit(
      () => {
        throw new HookError("RECEIVER_UNREACHABLE", "nobody there", { retryable: true });
      },
      { retry: { base: "10s", jitter: "none" }, waitMs: 1000 },
    );

    expect(hook).toMatchObject({ verdict: "retrying" });
    expect(hook.summary).toBe(
      "failed once (RECEIVER_UNREACHABLE), is tried again at 2026-01-01T00:00:10Z: nobody there",
    );
    expect(deliveryOf(hook)).toMatchObject({ verdict: "waits", dueAt: "2026-01-01T00:00:10Z" });
  });

  test("is dead: why", async () => {
    const { hook } = await afterEmit(
      () => {
        throw new HookError("RECEIVER_REFUSED", "it answered 404", { retryable: false });
      },
      { waitMs: 10 },
    );

    expect(hook).toMatchObject({ verdict: "dead", summary: "dead: it answered 404" });
  });

  test("was skipped by its hook: why", async () => {
    const { hook } = await afterEmit(() => skipped("nothing to do"), { waitMs: 10 });

    expect(hook).toMatchObject({ verdict: "skipped", summary: "skipped: nothing to do" });
  });

  test("started a remote run: when it is looked at again", async () => {
    const { hook } = await afterEmit(() => pending({ state: 1, againMs: 15_000 }), { waitMs: 1 });

    expect(hook.verdict).toBe("pending");
    expect(hook.summary).toBe(
      "its remote run goes on and is looked at again at 2026-01-01T00:00:15Z",
    );
  });

  test("is being delivered: until when a process holds it", async () => {
    const { hook } = await afterEmit(untilAborted, { waitMs: 1000 });

    expect(hook.verdict).toBe("running");
    expect(deliveryOf(hook).heldBy).toMatchObject([
      { by: "lease", until: expect.stringMatching(/^2026-01-01T00:00:30/) },
    ]);
  });

  test("whose process is gone: whoever delivers next takes it over", async () => {
    const store = keepOpen(createMemoryStore());
    const { bus, time } = openBus({
      store,
      deliver: false,
      hooks: [{ name: "ops", events: "*", hook: () => {} }],
    });
    const { event } = await bus.emit("pipeline.end", {});
    await store.claim({
      lanes: [{ hook: "ops", keys: [], limit: 1 }],
      owner: "gone",
      now: time.now(),
      leaseMs: 1000,
    });
    await time.advance(2000);

    const hook = hookOf(await bus.explain(event.id));

    expect(hook.summary).toContain("whoever delivers next takes it over");
  });

  test("waits for a process that delivers", async () => {
    const { hook } = await afterEmit(() => {}, {}, { deliver: false });

    expect(hook).toMatchObject({
      verdict: "waiting",
      summary: "waits for a process that delivers",
    });
  });

  test("waits behind the delivery that has the same order key", async () => {
    const { bus } = openBus({
      deliver: false,
      hooks: [{ name: "ops", events: "*", orderBy: "pipeline", hook: () => {} }],
    });
    await bus.emit("pipeline.start", { pipeline: "other" });
    await bus.emit("pipeline.start", { pipeline: "orders" });
    const { event } = await bus.emit("pipeline.end", { pipeline: "orders" });

    const hook = hookOf(await bus.explain(event.id));

    expect(hook.verdict).toBe("blocked");
    expect(deliveryOf(hook).heldBy).toMatchObject([{ by: "order", delivery: "dlv_2" }]);
    expect(hook.summary).toBe(
      'waits behind dlv_2, which is waiting and has the same order key "orders"',
    );
  });

  test("waits while its destination is paused: until when, in the receiver's words", async () => {
    const { hook } = await afterEmit(
      () => {
        throw new HookError("RECEIVER_UNREACHABLE", "too many requests", {
          retryable: true,
          retryAfterMs: 60_000,
        });
      },
      { destination: "api", waitMs: 1000 },
    );

    const [hold] = deliveryOf(hook).heldBy;
    expect(hold).toMatchObject({ by: "destination", until: "2026-01-01T00:01:00Z" });
    expect(hold?.text).toMatch(
      /^api takes nothing until 2026-01-01T00:01:00Z: .*too many requests/,
    );
  });

  test("waits while the breaker of its destination is open", async () => {
    const { hook } = await afterEmit(
      () => {
        throw new HookError("RECEIVER_UNREACHABLE", "down", { retryable: true });
      },
      { destination: "api", breaker: { failures: 1, reset: "5m" }, waitMs: 1000 },
    );

    expect(deliveryOf(hook).heldBy).toMatchObject([
      {
        by: "destination",
        until: "2026-01-01T00:05:00Z",
        text: expect.stringContaining("breaker open after 1 failures in a row"),
      },
    ]);
  });

  test("waits while the budget of rates is used up", async () => {
    const { bus, time } = openBus({
      hooks: [
        { name: "ops", events: "*", hook: () => {}, rateLimit: ["1/1m"], destination: "api" },
      ],
    });
    await bus.emit("pipeline.start", {});
    const { event } = await bus.emit("pipeline.end", {});
    await time.advance(1000);

    const hook = hookOf(await bus.explain(event.id));

    expect(hook.verdict).toBe("waiting");
    expect(hook.summary).toMatch(/^waits: api takes nothing until .*: rate budget used up$/);
  });

  test("waits while its hook is disabled", async () => {
    const { bus } = openBus({ hooks: [{ name: "ops", events: "*", hook: () => {} }] });
    await bus.disable("ops", "maintenance");
    const { event } = await bus.emit("pipeline.end", {});

    const hook = hookOf(await bus.explain(event.id));

    expect(hook).toMatchObject({ verdict: "waiting" });
    expect(deliveryOf(hook).heldBy).toMatchObject([
      { by: "switch", text: expect.stringContaining("maintenance") },
    ]);
  });

  test("was cancelled", async () => {
    const { bus, event, time } = await afterEmit(() => {}, {}, { deliver: false });
    await bus.store.cancel({ eventId: event.id }, time.now());

    expect(hookOf(await bus.explain(event.id))).toMatchObject({ verdict: "cancelled" });
  });
});

describe("a configuration that has changed since", () => {
  /** Stores an event under one configuration and explains it under another. */
  async function under(before: readonly HookConfig[], after: readonly HookConfig[]) {
    const store = keepOpen(createMemoryStore());
    const time = createVirtualTime();
    const { bus: old } = openBus({ store, time, hooks: before });
    const { event } = await old.emit("pipeline.error", { pipeline: "orders" });
    await old.close();
    const { bus } = openBus({ store, time, hooks: after, deliver: false });
    return bus.explain(event.id);
  }
  const ops: HookConfig = { name: "ops", events: "pipeline.*", hook: () => {} };

  test("reached it then and would not now", async () => {
    const explanation = await under([ops], [{ ...ops, events: "table.*" }]);

    expect(hookOf(explanation)).toMatchObject({
      verdict: "delivered",
      reached: false,
      summary: "delivered",
      changed: "it reached the hook then and would not now: pipeline.error fits none of table.*",
    });
  });

  test("would reach it now and did not then", async () => {
    const explanation = await under([], [ops]);

    expect(hookOf(explanation)).toMatchObject({
      verdict: "not_reached",
      reached: true,
      changed: expect.stringContaining("would reach the hook now and did not then"),
    });
  });

  test("has a hook no more: what became of its delivery is told all the same", async () => {
    const explanation = await under([ops], [{ ...ops, name: "new" }]);

    expect(explanation?.hooks.map(({ hook }) => hook)).toEqual(["new", "ops"]);
    expect(hookOf(explanation, "ops")).toMatchObject({
      kind: "",
      verdict: "delivered",
      changed: expect.stringContaining("not configured any more"),
    });
  });

  test.for([
    [
      "failed",
      () => {
        throw new HookError("RECEIVER_FAILED", "It was down.", { retryable: true });
      },
      "failed once (RECEIVER_FAILED) and waits, for its hook is not configured any more: It was down.",
    ],
    [
      "started a remote run",
      () => pending({ state: 1, againMs: 1000 }),
      "its remote run is not looked at, for its hook is not configured any more",
    ],
  ] as const)(
    "has a hook no more that %s: it waits, whatever time was set",
    async ([, hook, text]) => {
      const explanation = await under([{ ...ops, hook }], [{ ...ops, name: "new" }]);

      expect(hookOf(explanation, "ops").summary).toBe(text);
    },
  );

  test("is not claimed where nothing has changed", async () => {
    expect(hookOf(await under([ops], [ops])).changed).toBeUndefined();
  });
});

describe("what is asked for", () => {
  test("is one hook, in the order of the configuration otherwise", async () => {
    const { bus } = openBus({
      hooks: ["b", "a", "c"].map((name) => ({ name, events: "*", hook: () => {} })),
    });

    const all = await bus.explain(failed);
    const one = await bus.explain(failed, { hook: "a" });

    expect(all?.hooks.map(({ hook }) => hook)).toEqual(["b", "a", "c"]);
    expect(one?.hooks.map(({ hook }) => hook)).toEqual(["a"]);
  });

  test("is refused when there is no such hook", async () => {
    const { bus } = openBus({ hooks: [{ name: "ops", events: "*", hook: () => {} }] });

    await expect(bus.explain(failed, { hook: "osp" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: 'There is no hook "osp". Did you mean "ops"? Configured are: ops.',
    });
  });

  test("is the event of one source where several use its id; the others are named", async () => {
    const { bus } = openBus({ hooks: [{ name: "ops", events: "pipeline.end", hook: () => {} }] });
    await bus.emit("pipeline.end", { id: "1", source: "/a" });
    await bus.emit("pipeline.start", { id: "1", source: "/b" });
    await bus.drain();

    const last = await bus.explain("1");
    const first = await bus.explain("1", { source: "/a" });

    expect(last).toMatchObject({ event: { source: "/b" }, otherSources: ["/a"] });
    expect(hookOf(last).verdict).toBe("not_reached");
    expect(first).toMatchObject({ event: { source: "/a" }, otherSources: ["/b"] });
    expect(hookOf(first).verdict).toBe("delivered");
    expect(await bus.explain("1", { source: "/c" })).toBeUndefined();
  });
});

test("secrets are taken out of what hooks tell", async () => {
  const { bus } = openBus({
    secrets: ["hunter2"],
    hooks: [
      { name: "ops", events: "*", when: 'event.metadata.token == "hunter2"', hook: () => {} },
    ],
  });

  const explanation = await bus.explain(failed);

  expect(JSON.stringify(explanation?.hooks)).not.toContain("hunter2");
  expect(JSON.stringify(explanation?.hooks)).toContain("[redacted]");
});

test("explainRoute needs no store", async () => {
  const { bus } = openBus({
    hooks: [{ name: "ops", events: "pipeline.*", filter: { tables: ["x"] }, hook: () => {} }],
  });
  const { event } = await bus.emit("pipeline.end", {});
  const [hook] = bus.hooks;

  const route = hook && explainRoute(hook, event);

  expect(route).toMatchObject({
    reached: false,
    because: "table is missing, which does not pass x",
    steps: [{ step: "enabled" }, { step: "events" }, { step: "filter", verdict: "stopped" }],
  });
});
