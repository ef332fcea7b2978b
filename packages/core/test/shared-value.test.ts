import { createLocalValues, createPipehooks, defineHook, silentLogger } from "@pipehooks/core";
import { expect, test } from "vitest";
import { z } from "zod";

const counting = defineHook({
  name: "counting",
  options: z.strictObject({ value: z.string() }),
  create: ({ value }, { shared }) => ({
    deliver: () => shared(value).update((count) => Number(count ?? 0) + 1),
  }),
});

test("hooks that name a shared value change the same one, and others have their own", async () => {
  const bus = createPipehooks({
    hooks: ["a", "a", "b"].map((value, index) => ({
      name: `hook-${index}`,
      events: "pipeline.end",
      hook: counting({ value }),
    })),
    logger: silentLogger,
  });
  for (let at = 0; at < 5; at += 1) await bus.emit("pipeline.end");
  await bus.drain();

  const stored = await bus.store.read(["shared:a", "shared:b"]);
  await bus.close();

  expect(stored.map(({ value }) => value).sort()).toEqual([10, 5]);
});

test("a shared value is removed by undefined, also where there is no store", async () => {
  const value = createLocalValues()("a");
  const seen: unknown[] = [];
  const steps = [1, undefined, 2] as const;

  for (const step of steps) {
    await value.update((before) => {
      seen.push(before);
      return step;
    });
  }

  expect(seen).toEqual([undefined, 1, undefined]);
});
