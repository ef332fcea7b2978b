import { type Delivery, onAbort } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test, vi } from "vitest";
import { createRecorder, openBus } from "./virtual-bus.ts";

/** Gives one delivery to a hook that takes longer than its two seconds, if it ends at all. */
async function begin(hook: (delivery: Delivery) => void, work: Promise<void> | undefined) {
  const time = createVirtualTime();
  const recorder = createRecorder(time, async (delivery) => {
    hook(delivery);
    await work;
  });
  const { bus } = openBus({
    time,
    hooks: [
      { name: "one", events: "*", hook: recorder.hook, timeout: "2s", retry: { attempts: 1 } },
    ],
  });
  await bus.emit("pipeline.start");
  await time.advance(0);
  const delivery = recorder.calls[0]?.delivery;
  if (delivery === undefined) throw new Error("Nothing was delivered.");
  return { time, bus, delivery };
}

const never = new Promise<void>(() => {});

describe("onAbort", () => {
  test("tells every listener of a time-out, with the reason that the signal has", async () => {
    const heard: unknown[] = [];
    const { time, delivery } = await begin((its) => {
      onAbort(its, (reason) => heard.push(reason));
      onAbort(its, (reason) => heard.push(reason));
    }, never);

    await time.advance(1999);
    expect(heard).toEqual([]);
    await time.advance(1);

    expect(heard).toEqual([delivery.signal.reason, delivery.signal.reason]);
    expect(heard[0]).toMatchObject({ code: "TIMEOUT" });
  });

  test("tells at once of what is aborted already", async () => {
    const { time, delivery } = await begin(() => {}, never);
    await time.advance(2000);
    const heard = vi.fn();

    onAbort(delivery, heard);
    onAbort({ signal: AbortSignal.abort("enough") }, heard);

    expect(heard.mock.calls).toEqual([[delivery.signal.reason], ["enough"]]);
  });

  test("tells nothing after the end", async () => {
    const heard = vi.fn();
    const { time, bus, delivery } = await begin((its) => onAbort(its, heard), undefined);

    onAbort(delivery, heard);
    await time.advance(10_000);
    await bus.close({ timeoutMs: 0 });

    expect(heard).not.toHaveBeenCalled();
  });

  test("listens to the signal of a copy that was given another one", async () => {
    const own = new AbortController();
    const heard = vi.fn();
    const { time } = await begin((its) => onAbort({ ...its, signal: own.signal }, heard), never);

    await time.advance(2000);
    expect(heard).not.toHaveBeenCalled();
    own.abort("mine");

    expect(heard.mock.calls).toEqual([["mine"]]);
  });
});

describe("the signal of a delivery", () => {
  test("is one, and stands in a copy too", async () => {
    const signals: AbortSignal[] = [];
    const { time } = await begin((its) => {
      signals.push(its.signal, { ...its }.signal, its.signal);
    }, never);
    const [first] = signals;
    expect(first?.aborted).toBe(false);

    await time.advance(2000);

    expect(first?.reason).toMatchObject({ code: "TIMEOUT" });
    expect(new Set(signals)).toEqual(new Set([first]));
  });

  test("is not made for who does not ask for it", async () => {
    const made = vi.spyOn(globalThis, "AbortController");
    try {
      await begin((its) => onAbort(its, () => {}), undefined);
      expect(made).not.toHaveBeenCalled();
      await begin((its) => void its.signal, undefined);
      expect(made).toHaveBeenCalledTimes(1);
    } finally {
      made.mockRestore();
    }
  });
});
