import { createMemoryStore, defineHook, HookError } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createGate, openBus } from "./virtual-bus.ts";

describe("health", () => {
  test("of a bus where all is well", async () => {
    const { bus, time } = openBus({
      hooks: [
        { name: "one", events: "*", hook: () => {}, destination: "api" },
        { name: "off", events: "*", hook: () => {}, enabled: false },
      ],
    });
    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(await bus.health()).toEqual({
      status: "ok",
      store: "memory",
      hooks: [
        {
          name: "one",
          kind: "code",
          status: "on",
          destination: "api",
          breaker: "closed",
          running: 0,
          counts: { delivered: 1 },
        },
        {
          name: "off",
          kind: "code",
          status: "off",
          destination: "off",
          breaker: "closed",
          running: 0,
          counts: {},
        },
      ],
      destinations: [{ name: "api", breaker: "closed", failuresInARow: 0 }],
      unknownHooks: [],
    });
  });

  test("tells what runs, waits and is dead, and dead letters degrade it", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          concurrency: 1,
          hook: async () => {
            await gate.opened;
            throw new HookError("RECEIVER_REFUSED", "no");
          },
        },
      ],
    });
    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(0);

    const busy = await bus.health();
    gate.open();
    await time.advance(0);
    const after = await bus.health();

    expect(busy.hooks[0]).toMatchObject({ running: 1, counts: { running: 2 } });
    expect(busy.status).toBe("ok");
    expect(after.hooks[0]?.counts).toEqual({ dead: 2 });
    expect(after.status).toBe("degraded");
  });

  test("tells how many failures in a row a destination has, before its breaker opens", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: () => {
            throw new Error("down");
          },
        },
      ],
    });
    await bus.emit("pipeline.start");
    await time.advance(0);

    const [destination] = (await bus.health()).destinations;

    expect(destination).toEqual({ name: "one", breaker: "closed", failuresInARow: 1 });
  });
});

describe("check", () => {
  const kind = defineHook({
    name: "sample",
    options: z.strictObject({ does: z.enum(["answer", "say", "fail", "hang", "break"]) }),
    create({ does }) {
      if (does === "break") throw new Error("cannot be made");
      return {
        deliver() {},
        async check(signal: AbortSignal) {
          if (does === "say") return { summary: "reached api.test" };
          if (does === "fail") throw new HookError("RECEIVER_REFUSED", "the token is wrong");
          if (does === "hang") {
            await new Promise((_, reject) => {
              signal.addEventListener("abort", () => setTimeout(reject, 60_000).unref());
            });
          }
          return undefined;
        },
      };
    },
  });
  const open = () =>
    openBus({
      hooks: [
        ...(["answer", "say", "fail", "break"] as const).map((does) => ({
          name: does,
          events: "*",
          hook: kind({ does }),
        })),
        { name: "code", events: "*", hook: () => {} },
        { name: "off", events: "*", hook: kind({ does: "answer" }), enabled: false },
      ],
    });

  test("asks every hook and tells what each said", async () => {
    const { bus } = open();

    expect(await bus.check()).toEqual([
      { hook: "answer", status: "ok", summary: "could deliver" },
      { hook: "say", status: "ok", summary: "reached api.test" },
      { hook: "fail", status: "failed", summary: "the token is wrong" },
      { hook: "break", status: "failed", summary: "cannot be made" },
      { hook: "code", status: "unknown", summary: "this kind of hook has no check" },
      { hook: "off", status: "off", summary: "disabled in the configuration" },
    ]);
  });

  test("asks only those that are named, and sends nothing", async () => {
    const store = createMemoryStore();
    const { bus } = openBus({
      store,
      hooks: [{ name: "one", events: "*", hook: kind({ does: "say" }) }],
    });

    expect(await bus.check(["one"])).toHaveLength(1);
    expect(await bus.check([])).toEqual([]);
    expect(await store.events({})).toEqual([]);
  });

  test("a name that no hook has is refused, and a time that is no number", async () => {
    const hook = kind({ does: "say" });
    const { bus } = openBus({
      hooks: [
        { name: "one", events: "*", hook },
        { name: "off", events: "*", hook, enabled: false },
      ],
    });

    await expect(bus.check(["off", "tow"])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: 'There is no hook "tow". Configured are: one, off.',
    });
    await expect(bus.check(["one"], "10s" as never)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: '"timeoutMs" is "10s". Give milliseconds as a number, such as 10_000.',
    });
  });

  test("a hook that ignores its signal does not hold it up", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: kind({ does: "hang" }) }],
    });

    const checking = bus.check(undefined, 2000);
    await time.advance(2000);

    expect(await checking).toEqual([
      { hook: "one", status: "failed", summary: "one: the check took longer than 2000 ms." },
    ]);
  });
});
