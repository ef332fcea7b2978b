import {
  createMemoryStore,
  type HookConfig,
  HookError,
  listUpcoming,
  type PipehooksOptions,
  pending,
} from "@pipehooks/core";
import { createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { keepOpen, openBus } from "./virtual-bus.ts";

type Options = PipehooksOptions<Record<never, never>>;

function open(
  hooks: readonly Partial<HookConfig>[],
  options: Options & { time?: VirtualTime } = {},
) {
  return openBus({
    ...options,
    hooks: hooks.map((hook) => ({ name: "ops", events: "*", hook: () => {}, ...hook })),
  });
}

const refuses =
  (fields: { readonly retryAfterMs?: number } = {}) =>
  () => {
    throw new HookError("RECEIVER_FAILED", "down", { retryable: true, ...fields });
  };

test("nothing is waited for where nothing is stored", async () => {
  const { bus, time } = open([{}]);

  expect(await listUpcoming(bus, time.now())).toEqual([]);
});

test("gates, retries, looks at remote runs and ends of pauses come in the order of their times", async () => {
  const { bus, time } = open([
    { name: "slow", digest: { every: "1h", by: "pipeline" } },
    { name: "soon", debounce: { wait: "30s" } },
    { name: "fails", hook: refuses(), destination: "api", retry: { base: "2m", jitter: "none" } },
    { name: "runs", hook: () => pending({ state: 1, againMs: 15_000 }) },
    { name: "paused", hook: refuses({ retryAfterMs: 600_000 }), destination: "chat" },
  ]);
  await bus.emit("pipeline.end", { pipeline: "orders" });
  await time.advance(1000);

  const upcoming = await listUpcoming(bus, time.now());

  expect(upcoming).toMatchObject([
    { type: "delivery", hooks: ["runs"], state: "pending", count: 1, at: "2026-01-01T00:00:15Z" },
    {
      type: "gate",
      hooks: ["soon"],
      key: null,
      at: "2026-01-01T00:00:30Z",
      text: expect.stringMatching(/^debounce: releases 1 event at /),
    },
    { type: "delivery", hooks: ["fails"], state: "retrying", at: "2026-01-01T00:02:00Z" },
    {
      type: "destination",
      destination: "chat",
      hooks: ["paused"],
      at: "2026-01-01T00:10:00Z",
      text: "chat takes deliveries again: down",
    },
    {
      type: "delivery",
      hooks: ["paused"],
      at: expect.stringMatching(/^2026-01-01T00:10:00/),
      text: expect.stringMatching(/^1 delivery retrying; chat takes nothing until .*: down$/),
    },
    { type: "gate", hooks: ["slow"], key: "orders", at: "2026-01-01T01:00:00Z" },
  ]);
  expect(upcoming.every(({ configured }) => configured)).toBe(true);
});

test("of many deliveries of a hook in one state the next is told, and how many there are", async () => {
  const { bus, time } = open([
    { hook: refuses(), retry: { base: "2m", jitter: "none" }, breaker: { failures: 100 } },
  ]);
  await bus.emit("pipeline.start", {});
  await time.advance(60_000);
  await bus.emit("pipeline.end", {});
  await time.advance(1000);

  const upcoming = await listUpcoming(bus, time.now());

  expect(upcoming).toMatchObject([
    { count: 2, delivery: "dlv_1", text: "2 deliveries retrying", at: "2026-01-01T00:02:00Z" },
  ]);
});

test("what is due waits for the end of the pause of its destination, which is told", async () => {
  const { bus, time } = open([
    {
      hook: refuses(),
      destination: "api",
      breaker: { failures: 1, reset: "5m" },
      retry: { base: "1s", jitter: "none" },
    },
  ]);
  await bus.emit("pipeline.end", {});
  await time.advance(1000);

  const [delivery] = await listUpcoming(bus, time.now());

  expect(delivery).toMatchObject({
    type: "delivery",
    at: "2026-01-01T00:05:00Z",
    text: expect.stringContaining("api takes nothing until 2026-01-01T00:05:00Z: breaker open"),
  });
});

test("what is due already is due now", async () => {
  const { bus, time } = open([{}], { deliver: false });
  await bus.emit("pipeline.end", {});
  await time.advance(60_000);

  expect(await listUpcoming(bus, time.now())).toMatchObject([
    { state: "waiting", at: "2026-01-01T00:01:00Z" },
  ]);
});

test("deliveries of a disabled hook come last, with no time", async () => {
  const { bus, time } = open([{ name: "off" }, { name: "soon", debounce: { wait: "30s" } }]);
  await bus.disable("off", "maintenance");
  await bus.emit("pipeline.end", {});

  expect(await listUpcoming(bus, time.now())).toMatchObject([
    { hooks: ["soon"] },
    { hooks: ["off"], at: undefined, text: expect.stringContaining("maintenance") },
  ]);
});

test("a gate that was taken out lets through what it gathered, now", async () => {
  const store = keepOpen(createMemoryStore());
  const time = createVirtualTime();
  const { bus: old } = open([{ debounce: { wait: "30s" } }], { store, time });
  await old.emit("pipeline.end", {});
  await old.close();
  const { bus } = open([{}], { store, time, deliver: false });

  const upcoming = await listUpcoming(bus, time.now());

  expect(upcoming).toMatchObject([
    {
      type: "gate",
      hooks: ["ops"],
      at: "2026-01-01T00:00:00Z",
      configured: false,
      text: "the gate was taken out of the hook: 1 event let through",
    },
  ]);
});

test.for([
  [
    "whose hook is not configured any more",
    { name: "other" },
    false,
    "the hook is not configured any more: nobody asks its gate; 1 event held",
  ],
  [
    "whose hook is switched off in the configuration",
    { enabled: false, debounce: { wait: "30s" } },
    true,
    "the configuration switches the hook off: nobody asks its gate; 1 event held",
  ],
] as const)("a gate %s never acts, and is shown as such", async ([, after, configured, text]) => {
  const store = keepOpen(createMemoryStore());
  const time = createVirtualTime();
  const { bus: old } = open([{ debounce: { wait: "30s" } }], { store, time });
  await old.emit("pipeline.end", {});
  await old.close();
  const { bus } = open([after], { store, time, deliver: false });

  expect(await listUpcoming(bus, time.now())).toMatchObject([
    { type: "gate", hooks: ["ops"], at: undefined, configured, text },
  ]);
});

test("deliveries of a hook that is not configured any more are shown as such", async () => {
  const store = keepOpen(createMemoryStore());
  const time = createVirtualTime();
  const { bus: old } = open([{}], { store, time, deliver: false });
  await old.emit("pipeline.end", {});
  await old.close();
  const { bus } = open([{ name: "other" }], { store, time });

  expect(await listUpcoming(bus, time.now())).toMatchObject([
    { type: "delivery", hooks: ["ops"], at: undefined, configured: false },
  ]);
});
