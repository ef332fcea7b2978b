import {
  createMemoryStore,
  type DeliveryStep,
  type Explanation,
  type GateStep,
  type HookConfig,
  type HookExplanation,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { keepOpen, openBus } from "./virtual-bus.ts";

function open(config: Partial<HookConfig>) {
  return openBus({
    hooks: [{ name: "ops", hook: () => {}, ...config }],
    allowUnknownTypes: true,
  });
}

function only(explanation: Explanation | undefined): HookExplanation {
  expect(explanation?.hooks).toHaveLength(1);
  return explanation?.hooks[0] as HookExplanation;
}

function gateOf({ steps }: HookExplanation): GateStep | undefined {
  return steps.find((step): step is GateStep => step.step === "gate");
}

function deliveriesOf({ steps }: HookExplanation): readonly DeliveryStep[] {
  return steps.filter((step): step is DeliveryStep => step.step === "delivery");
}

const join: Partial<HookConfig> = {
  join: {
    allOf: [
      { name: "orders", events: "load.end", when: 'event.metadata.source == "orders"' },
      { name: "customers", events: "load.end", when: 'event.metadata.source == "customers"' },
    ],
    by: "metadata.date",
    within: "2h",
  },
};
const load = (source: string) => ({
  type: "load.end",
  metadata: { source, date: "2026-01-01" },
});

describe("a join", () => {
  test("says for which inputs an event waits, and until when", async () => {
    const { bus } = open(join);
    const { event } = await bus.emitUnknown("load.end", { metadata: load("orders").metadata });

    const hook = only(await bus.explain(event.id));

    expect(hook).toMatchObject({
      verdict: "gathering",
      summary: "waits at its join for customers until 2026-01-01T02:00:00Z",
    });
    expect(gateOf(hook)).toMatchObject({
      verdict: "passed",
      kind: "join",
      key: "2026-01-01",
      facts: { inputs: ["orders"], failed: false },
      means: ["is orders"],
      checks: [
        { name: "input orders", passed: true, because: "event.metadata.source is orders" },
        {
          name: "input customers",
          passed: false,
          because: "event.metadata.source is orders, not customers",
        },
        { name: "fail_when", passed: false },
      ],
      memory: {
        gathered: 1,
        delivery: "dlv_1",
        waitsFor: ["customers"],
        until: "2026-01-01T02:00:00Z",
      },
    });
    expect(deliveriesOf(hook)).toMatchObject([
      {
        delivery: "dlv_1",
        state: "gathering",
        events: 1,
        verdict: "waits",
        heldBy: [{ by: "gate" }],
      },
    ]);
  });

  test("would be completed by the missing input, which is not stored by asking", async () => {
    const { bus } = open(join);
    await bus.emitUnknown("load.end", { metadata: load("orders").metadata });

    const completing = only(await bus.explain(load("customers")));
    const again = only(await bus.explain(load("orders")));

    expect(completing).toMatchObject({
      verdict: "fires",
      summary:
        "the event joins 1 event held; 2 events let through as one delivery: all inputs came: orders, customers",
    });
    expect(again).toMatchObject({
      verdict: "gathering",
      summary:
        "the event joins 1 event held; then it waits at its join for customers until 2026-01-01T02:00:00Z",
    });
    expect(await bus.store.gates({})).toMatchObject([{ gathered: 1 }]);
    expect(await bus.store.events({})).toHaveLength(1);
  });

  test("says of an event that is no input why it is none", async () => {
    const { bus } = open(join);

    const other = only(await bus.explain(load("events")));
    const type = only(await bus.explain({ type: "pipeline.end" }));

    expect(other).toMatchObject({ verdict: "not_reached", reached: false });
    expect(other.summary).toBe(
      "does not fire: it is nothing that its join asks for; input orders: event.metadata.source is events, not orders; " +
        "input customers: event.metadata.source is events, not customers",
    );
    expect(gateOf(other)).toMatchObject({ verdict: "stopped", facts: undefined });
    expect(type.summary).toBe("does not fire: pipeline.end fits none of load.end");
  });

  test("that gave up says what was missing", async () => {
    const { bus, time } = open(join);
    const { event } = await bus.emitUnknown("load.end", { metadata: load("orders").metadata });
    await time.advance(3 * 3_600_000);

    const hook = only(await bus.explain(event.id));

    expect(hook.verdict).toBe("skipped");
    expect(hook.summary).toMatch(
      /^skipped: not complete 2 h after its first event; missing: customers/,
    );
  });
});

describe("a debounce", () => {
  const debounce: Partial<HookConfig> = {
    events: "pipeline.*",
    debounce: { wait: "30s", by: "pipeline" },
  };

  test("says how many events wait together, and that one more would put it off", async () => {
    const { bus, time } = open(debounce);
    const { event } = await bus.emit("pipeline.start", { pipeline: "orders" });
    await time.advance(10_000);
    await bus.emit("pipeline.end", { pipeline: "orders" });

    const hook = only(await bus.explain(event.id));
    const next = only(await bus.explain({ type: "pipeline.error", pipeline: "orders" }));

    expect(hook.verdict).toBe("gathering");
    expect(hook.summary).toBe(
      "waits at its debounce for no event for 30 s until 2026-01-01T00:00:40Z, together with 1 other event",
    );
    expect(gateOf(hook)?.memory?.summary).toMatch(/^releases 2 events at /);
    expect(next.summary).toContain("the event joins 2 events held");
  });

  test("that let events through says why, and with how many", async () => {
    const { bus, time } = open(debounce);
    const { event } = await bus.emit("pipeline.start", { pipeline: "orders" });
    await bus.emit("pipeline.end", { pipeline: "orders" });
    await time.advance(60_000);

    const hook = only(await bus.explain(event.id));

    expect(hook).toMatchObject({
      verdict: "delivered",
      summary: "delivered, together with 1 other event",
    });
    expect(deliveriesOf(hook)).toMatchObject([{ events: 2, released: "quiet for 30 s" }]);
    expect(gateOf(hook)?.memory).toBeUndefined();
  });

  test("with leading would let the first event through at once", async () => {
    const { bus } = open({ events: "*", debounce: { wait: "30s", leading: true } });

    const hook = only(await bus.explain({ type: "pipeline.end" }));

    expect(hook).toMatchObject({ verdict: "fires" });
    expect(gateOf(hook)).toMatchObject({
      key: null,
      would: ["the event is held", "1 event let through as one delivery: first of a burst"],
    });
  });

  test("still asks when of its events", async () => {
    const { bus } = open({ ...debounce, when: 'event.pipeline == "orders"' });

    const hook = only(await bus.explain({ type: "pipeline.end", pipeline: "users" }));

    expect(hook.summary).toBe("does not fire: when is false: event.pipeline is users, not orders");
  });

  test("whose keys are all taken would make a dead letter of one more", async () => {
    const { bus } = open({ events: "*", debounce: { wait: "30s", by: "pipeline", maxKeys: 1 } });
    await bus.emit("pipeline.end", { pipeline: "a" });

    const another = only(await bus.explain({ type: "pipeline.end", pipeline: "b" }));
    const same = only(await bus.explain({ type: "pipeline.end", pipeline: "a" }));

    expect(another).toMatchObject({
      verdict: "dead",
      summary: expect.stringContaining("1 keys, the most"),
    });
    expect(same.verdict).toBe("gathering");
  });
});

test("a digest says when its period ends, and what would end it early", async () => {
  const { bus } = open({
    events: "*",
    digest: { every: "5m", max: 3, flushWhen: 'event.error.severity == "CRITICAL"' },
  });
  const { event } = await bus.emit("pipeline.end", {});

  const hook = only(await bus.explain(event.id));
  const critical = only(
    await bus.explain({ type: "pipeline.error", error: { message: "x", severity: "CRITICAL" } }),
  );

  expect(hook.summary).toBe(
    "waits at its digest for the end of the period (5 m) or 2 events more, of 3 until 2026-01-01T00:05:00Z",
  );
  expect(gateOf(hook)?.checks).toMatchObject([
    { name: "flush_when", passed: false, because: "event.error is missing" },
  ]);
  expect(critical.verdict).toBe("fires");
  expect(gateOf(critical)?.means).toEqual(["ends the period early (flush_when)"]);
});

describe("a threshold", () => {
  const threshold: Partial<HookConfig> = {
    events: "pipeline.error",
    threshold: { count: 2, within: "10m", by: "pipeline", resetOn: "pipeline.end" },
  };

  test("counts, says what is missing, and what one more would do", async () => {
    const { bus } = open(threshold);
    const { event } = await bus.emit("pipeline.error", { pipeline: "orders" });

    const hook = only(await bus.explain(event.id));
    const next = only(await bus.explain({ type: "pipeline.error", pipeline: "orders" }));

    expect(hook).toMatchObject({ verdict: "gathering" });
    expect(hook.summary).toMatch(/^waits at its threshold for 1 event more until /);
    expect(gateOf(hook)?.means).toEqual(["counts"]);
    expect(next).toMatchObject({ verdict: "fires" });
  });

  test("is reset by a type that the hook does not ask for itself, whatever when says", async () => {
    const { bus } = open({ ...threshold, when: "event.metadata.rows > 3" });

    const hook = only(await bus.explain({ type: "pipeline.end", pipeline: "orders" }));

    expect(hook).toMatchObject({
      verdict: "skipped",
      reached: true,
      summary: "the event goes no further: resets the gate",
    });
    expect(hook.steps).toMatchObject([
      { step: "enabled" },
      { step: "switch" },
      {
        step: "events",
        takenBy: "pipeline.end",
        text: "pipeline.end fits pipeline.end, which its gate asks for",
      },
      { step: "when", verdict: "unasked" },
      { step: "gate", means: ["resets it (reset_on)"] },
    ]);
  });

  test("takes an event of the hook's own that resets, though when is false", async () => {
    const { bus } = open({ ...threshold, events: "pipeline.*", when: "event.metadata.rows > 3" });

    const hook = only(await bus.explain({ type: "pipeline.end", pipeline: "orders" }));

    expect(hook.reached).toBe(true);
    expect(hook.steps.find(({ step }) => step === "when")).toMatchObject({
      verdict: "unasked",
      text: expect.stringContaining("its gate takes the event all the same"),
    });
  });
});

describe("an absence", () => {
  const absence: Partial<HookConfig> = {
    absence: { expect: "load.end", every: "1h", by: "pipeline", for: ["orders"] },
  };

  test("says that an event came in time, and when the next is expected", async () => {
    const { bus, time } = open(absence);
    await time.advance(60_000);
    const { event } = await bus.emitUnknown("load.end", { pipeline: "orders" });

    const hook = only(await bus.explain(event.id));

    expect(hook.verdict).toBe("skipped");
    expect(hook.summary).toMatch(/^skipped: came in time; next expected by 2026-01-01T01:01:00/);
    expect(gateOf(hook)).toMatchObject({
      key: "orders",
      means: ["is what is expected (expect)"],
      memory: { waitsFor: ["load.end"] },
    });
  });

  test("tells its own hook what was missed, which asks for no pattern", async () => {
    const { bus, time } = open(absence);
    await time.advance(2 * 3_600_000);
    const [row] = await bus.store.events({ type: "pipehooks.absence.missed" });
    const { id } = JSON.parse(row?.body ?? "{}") as { id: string };

    const hook = only(await bus.explain(id));

    expect(hook).toMatchObject({ verdict: "delivered", reached: true, changed: undefined });
    expect(hook.steps.find(({ step }) => step === "events")).toMatchObject({
      verdict: "unasked",
      text: "the hook's own gate announced it, which asks for no pattern",
    });
  });
});

test("what a gate announced and nobody has routed yet is said to wait for that", async () => {
  const { bus, time } = openBus({
    deliver: false,
    hooks: [
      { name: "load", absence: { expect: "pipeline.end", every: "1h" }, hook: () => {} },
      { name: "tell", events: "pipehooks.absence.*", hook: () => {} },
    ],
  });
  const gate = bus.hooks[0]?.gate;
  const claim = () =>
    bus.store.claim({
      lanes: [{ hook: "load", keys: [], limit: 0, gate: gate?.spec, seeds: gate?.seeds }],
      owner: "me",
      now: time.now(),
      leaseMs: 1000,
    });
  await claim();
  await time.advance(2 * 3_600_000);
  await claim();
  const [row] = await bus.store.unrouted(1);
  const { id } = JSON.parse(row?.body ?? "{}") as { id: string };

  const explanation = await bus.explain(id);

  expect(explanation?.hooks).toMatchObject([
    { hook: "load", verdict: "waiting" },
    { hook: "tell", verdict: "not_reached", changed: undefined },
  ]);
  expect(explanation?.hooks[1]?.summary).toContain("waits to be routed by the next process");
});

describe("an alert", () => {
  const alert: Partial<HookConfig> = {
    events: "pipeline.error",
    alert: { by: "pipeline", resolveOn: "pipeline.end", confirmFor: "5m", remind: ["1h"] },
  };

  test("says until when a failure must last, and what a success would do", async () => {
    const { bus } = open(alert);
    const { event } = await bus.emit("pipeline.error", { pipeline: "orders" });

    const hook = only(await bus.explain(event.id));
    const success = only(await bus.explain({ type: "pipeline.end", pipeline: "orders" }));

    expect(hook.summary).toBe("waits at its alert for a success until 2026-01-01T00:05:00Z");
    expect(gateOf(hook)).toMatchObject({
      means: ["opens an incident (open_when)"],
      memory: { summary: expect.stringContaining("opens the incident at") },
    });
    expect(success).toMatchObject({ verdict: "skipped" });
    expect(success.summary).toContain("1 event dropped: recovered within 5 m");
  });

  test("lists the reminders of an event beside the delivery that opened the incident", async () => {
    const { bus, time } = open(alert);
    const { event } = await bus.emit("pipeline.error", { pipeline: "orders" });
    await time.advance(2 * 3_600_000);

    const hook = only(await bus.explain(event.id));

    expect(hook.verdict).toBe("delivered");
    expect(hook.summary).toBe("delivered; again as dlv_2: delivered");
    expect(deliveriesOf(hook)).toMatchObject([
      { released: "no success for 5 m" },
      { released: expect.stringContaining("open for") },
    ]);
  });
});

describe("a gate that has changed since", () => {
  async function under(before: Partial<HookConfig>, after: Partial<HookConfig>) {
    const store = keepOpen(createMemoryStore());
    const time = createVirtualTime();
    const common: HookConfig = { name: "ops", events: "*", hook: () => {} };
    const { bus: old } = openBus({ store, time, hooks: [{ ...common, ...before }] });
    const { event } = await old.emit("pipeline.end", { pipeline: "orders", runId: "1" });
    await old.close();
    const { bus } = openBus({ store, time, deliver: false, hooks: [{ ...common, ...after }] });
    return only(await bus.explain(event.id));
  }
  const debounce = { debounce: { wait: "30s", by: "pipeline" } };

  test.for([
    [
      "is new",
      {},
      debounce,
      "it was delivered without a gate then; now it would come to a debounce",
    ],
    ["is gone", debounce, {}, "it came to a gate then; the hook has none now"],
    [
      "groups otherwise",
      debounce,
      { debounce: { wait: "30s", by: "runId" } },
      'it came to the gate as "orders" then, and would as "1" now',
    ],
    ["is the same", debounce, debounce, undefined],
  ] as const)("%s", async ([, before, after, changed]) => {
    expect((await under(before, after)).changed).toBe(changed);
  });

  test("and is gone, holds what it gathered until somebody delivers", async () => {
    expect((await under(debounce, {})).summary).toBe(
      "waits at a gate that was taken out of the hook: whoever delivers next lets it through",
    );
  });

  test("and is gone from a hook that is switched off, holds what it gathered", async () => {
    expect((await under(debounce, { enabled: false })).summary).toBe(
      "waits at a gate that is not configured any more",
    );
  });
});
