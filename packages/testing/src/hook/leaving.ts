import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpReceiver } from "../receivers/http.ts";
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
      await closes(receiver, "a connection outlives its hook");
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

  // Where a certain answer means that all is well, any other one is a failure.
  for (const status of suite.respond === undefined ? [200, 500] : [500]) {
    it(`an answer of ${status} that is long leaves no connection open`, () =>
      using(suite, { status, body: longText }, async ({ receiver, opened, deliver }) => {
        await deliver().catch(() => {});

        await opened[Symbol.asyncDispose]();
        await closes(receiver, "an answer was neither read to its end nor cancelled");
      }));
  }
}

/** More than a client takes in before it is asked for. */
const longText = "x".repeat(1024 ** 2);

async function closes(receiver: HttpReceiver, message: string): Promise<void> {
  const isClosed = () => assert.equal(receiver.open, 0, message);
  receiver.respond(200);
  await settles(isClosed, 1).catch(() => takeIdle(receiver));
  // Where an answer was cancelled, fetch may open another connection a moment later.
  await settles(isClosed, 10).catch(() => takeIdle(receiver));
  await settles(isClosed);
}

/**
 * `fetch` keeps connections for whoever asks next, and no hook can close them: whoever asks next is here, on all of
 * them, and wants them closed. What an unread answer or a pool of the hook's own holds is not given away.
 */
async function takeIdle({ url, connections }: HttpReceiver): Promise<void> {
  const take = async () => {
    const response = await fetch(url, { headers: { connection: "close" } });
    await response.body?.cancel();
  };
  await Promise.allSettled(Array.from({ length: connections }, take));
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
async function settles(assertion: () => void, most = 40): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      assertion();
      return;
    } catch (error) {
      if (tries >= most) throw error;
      await sleep(50);
    }
  }
}
