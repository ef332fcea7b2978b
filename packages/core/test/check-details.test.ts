import { createPipehooks, silentLogger } from "@pipehooks/core";
import { expect, test } from "vitest";

test("a check tells details where they are asked for, without secrets", async () => {
  await using bus = createPipehooks({
    hooks: [
      {
        name: "told",
        events: "pipeline.end",
        hook: {
          deliver() {},
          check: async (_signal, { verbose = false } = {}) => ({
            summary: "reached",
            ...(verbose && { details: ["one", "two with s3cret"] }),
          }),
        },
      },
    ],
    secrets: ["s3cret"],
    logger: silentLogger,
  });

  const [brief] = await bus.check();
  const [whole] = await bus.check(undefined, undefined, { verbose: true });

  expect(brief).toEqual({ hook: "told", status: "ok", summary: "reached" });
  expect(whole?.details).toEqual(["one", "two with [redacted]"]);
});
