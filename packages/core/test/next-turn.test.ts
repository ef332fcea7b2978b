import { createPipehooks } from "@pipehooks/core";
import { expect, onTestFinished, test, vi } from "vitest";

test("a pipeline's test that fakes the timers is not held up, and retries wait for its time", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const tried: string[] = [];
  const bus = createPipehooks({
    hooks: [
      {
        name: "one",
        events: "pipeline.*",
        concurrency: 1,
        retry: { base: "10s", jitter: "none" },
        hook: ({ event, attempt }) => {
          tried.push(`${event.type} ${attempt}`);
          if (event.type === "pipeline.error" && attempt === 1) throw new Error("busy");
        },
      },
    ],
  });

  await bus.pipeline("orders", () => {});
  await bus.emit("pipeline.error");
  expect(await bus.drain()).toBe(true);
  expect(tried).toEqual(["pipeline.start 1", "pipeline.end 1", "pipeline.error 1"]);

  await vi.advanceTimersByTimeAsync(10_000);
  expect(await bus.drain()).toBe(true);
  expect(tried.slice(3)).toEqual(["pipeline.error 2"]);
  await bus.close();
});
