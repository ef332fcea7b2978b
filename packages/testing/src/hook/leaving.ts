import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { endOf, using } from "./bench.ts";
import type { HookSuite } from "./suite.ts";

/** What ended attempts and disposed hooks leave behind. */
export function leaving<Input>(suite: HookSuite<Input>): void {
  const { it } = suite.runner;

  it("a hook can be disposed twice", () =>
    using(suite, undefined, async ({ opened, deliver }) => {
      await deliver();

      await opened[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    }));

  it("an aborted attempt and a disposed hook leave no connection and no handle open", async () => {
    const before = countResources();

    await using(suite, undefined, async ({ receiver, opened, deliver }) => {
      await Promise.all([deliver(), deliver({ idempotencyKey: "whk_other" })]);
      await opened[Symbol.asyncDispose]();
      await settles(() => assert.equal(receiver.open, 0, "a connection outlives its hook"));
    });
    await using(suite, "never", async ({ receiver, deliver }) => {
      const controller = new AbortController();
      const attempt = endOf(deliver({ signal: controller.signal }));
      await receiver.received(1);
      controller.abort(new Error("stopped"));
      await attempt;
      await settles(() => assert.equal(receiver.open, 0, "a connection outlives its attempt"));
    });

    await settles(() => assert.deepEqual(moreThan(before, countResources()), {}));
  });
}

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function moreThan(before: Record<string, number>, now: Record<string, number>) {
  const more = Object.entries(now).filter(([name, count]) => count > (before[name] ?? 0));
  return Object.fromEntries(more);
}

/** Sockets close a moment after they were told to. */
async function settles(assertion: () => void): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      assertion();
      return;
    } catch (error) {
      if (tries >= 40) throw error;
      await sleep(50);
    }
  }
}
