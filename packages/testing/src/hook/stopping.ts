import assert from "node:assert/strict";
import { assertRetryable, endOf, using } from "./bench.ts";
import type { HookSuite } from "./suite.ts";

/** A stopped attempt ends within this, on a busy machine too. */
const atOnceMs = 1_000;
const timeoutMs = 300;

/** How an attempt ends that is told to, or that takes too long. */
export function stopping<Input>(suite: HookSuite<Input>): void {
  const { it } = suite.runner;

  it("an attempt ends at once when its signal aborts", () =>
    using(suite, "never", async ({ receiver, deliver }) => {
      const controller = new AbortController();
      const attempt = endOf(deliver({ signal: controller.signal }));
      await receiver.received(1);

      const startedAt = performance.now();
      controller.abort(new Error("stopped"));
      const error = await attempt;

      assert.ok(performance.now() - startedAt < atOnceMs, "it went on after the abort");
      assertRetryable(error);
    }));

  it("an attempt whose signal has aborted already sends nothing", () =>
    using(suite, undefined, async ({ receiver, deliver }) => {
      const error = await endOf(deliver({ signal: AbortSignal.abort(new Error("stopped")) }));

      assertRetryable(error);
      assert.equal(receiver.requests.length, 0);
    }));

  for (const behaviour of ["never", "drip"] as const) {
    const how = behaviour === "never" ? "never answers" : "answers one byte a second";
    it(`an attempt ends at its time-out when the receiver ${how}`, () =>
      using(suite, behaviour, async ({ deliver }) => {
        const startedAt = performance.now();
        const error = await endOf(deliver({ signal: AbortSignal.timeout(timeoutMs) }));

        assert.ok(performance.now() - startedAt < timeoutMs + atOnceMs, "it went on too long");
        assertRetryable(error);
        // Of an error of another kind a bus makes TIMEOUT by itself.
        assert.ok(["TIMEOUT", "HOOK_FAILED"].includes(error.code), `its code is ${error.code}`);
      }));
  }
}
