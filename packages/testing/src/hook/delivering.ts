import assert from "node:assert/strict";
import { inspect, isDeepStrictEqual } from "node:util";
import { createRedactor } from "@pipehooks/core";
import { createTestDelivery } from "../test-delivery.ts";
import { using } from "./bench.ts";
import type { HookSuite } from "./suite.ts";

/** What is sent, and what a hook says of it beforehand. */
export function delivering<Input>(suite: HookSuite<Input>): void {
  const { it } = suite.runner;

  it("an event reaches the receiver", () =>
    using(suite, undefined, async ({ receiver, deliver }) => {
      await deliver();

      assert.ok(receiver.requests.length > 0, "no request came");
    }));

  const { idempotencyKey } = suite;
  if (idempotencyKey !== undefined) {
    it("the idempotency key stays the same over attempts and differs between deliveries", () =>
      using(suite, undefined, async ({ receiver, deliver }) => {
        for (const attempt of [1, 2]) await deliver({ idempotencyKey: "whk_a", attempt });
        const first = receiver.requests.map(idempotencyKey);
        await deliver({ idempotencyKey: "whk_b" });
        const second = receiver.requests.slice(first.length).map(idempotencyKey);

        const keys = new Set(first.filter((key) => key !== undefined));
        assert.equal(keys.size, 1, `keys of one delivery: ${inspect(first)}`);
        assert.ok(!second.some((key) => keys.has(key ?? "")), "two deliveries share a key");
      }));
  }

  it("what it renders is what it sends, without secrets, and nothing is sent for it", () =>
    using(suite, undefined, async ({ receiver, opened, deliver }) => {
      const { hook } = opened;
      assert.ok(hook.render, "it has no render(): dry runs and route tests need one");

      const rendered = await hook.render(createTestDelivery(suite.delivery));
      const sentByRender = receiver.requests.length;
      let outcome = await deliver();
      // A remote run notes first that it is about to start.
      for (let look = 0; look < 3 && outcome?.type === "pending"; look += 1) {
        outcome = await deliver({ state: outcome.state });
      }

      assert.equal(sentByRender, 0, "render() sent a request");
      // A secret in the body stays out of what is rendered.
      const redact = createRedactor(suite.secrets);
      const bodies = receiver.requests.map(({ text }) => toValue(redact(text)));
      const found = bodies.some((body) => isDeepStrictEqual(body, rendered.body));
      assert.ok(found, `${inspect(rendered.body)} is not among what was sent: ${inspect(bodies)}`);
      const text = inspect(rendered, { depth: 12, maxStringLength: null });
      assert.equal(redact(text), text);
    }));
}

/** A body as `render` shows it: JSON taken apart, text as it is. */
function toValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
