import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type HookError, isHookError } from "@pipehooks/core";
import { type StatusClass, statusOf, usualStatuses } from "../http-statuses.ts";
import { assertRetryable, endOf, toHookError, using } from "./bench.ts";
import type { HookSuite } from "./suite.ts";

/** What answers mean, and what it means that there is none. */
export function judging<Input>(suite: HookSuite<Input>): void {
  const { it } = suite.runner;

  declareStatuses(suite);

  it("a connection that is cut, or answers that are no HTTP, are worth another attempt", () =>
    using(suite, ["cut", "garbage"], async ({ deliver }) => {
      for (const attempt of [1, 2]) assertRetryable(await endOf(deliver({ attempt })));
    }));

  it("a receiver that is not there is worth another attempt", () =>
    using(suite, undefined, async ({ receiver, deliver }) => {
      await receiver[Symbol.asyncDispose]();

      assertRetryable(await endOf(deliver()));
    }));
}

function declareStatuses<Input>(suite: HookSuite<Input>): void {
  if (suite.statuses === false) return;
  const { it } = suite.runner;
  const table = { ...usualStatuses, ...suite.statuses };
  for (const kind of Object.keys(statusOf) as StatusClass[]) {
    const statuses = Object.keys(table).filter((status) => table[Number(status)] === kind);
    if (statuses.length === 0) continue;
    it(`an answer of ${statuses.join(" ")} means: ${kind}`, () =>
      using(suite, undefined, async ({ receiver, deliver }) => {
        for (const status of statuses) {
          receiver.respond({ status: Number(status) });
          const ending = await deliver().catch(toHookError);
          assert.deepEqual(
            judgementOf(ending),
            statusOf[kind],
            `status ${status}: ${inspect(ending)}`,
          );
        }
      }));
  }
  for (const status of [429, 503]) {
    if (table[status] !== "retry destination") continue;
    it(`the Retry-After of an answer of ${status} is handed on in milliseconds`, () =>
      using(suite, { status, headers: { "retry-after": "7" } }, async ({ deliver }) => {
        const error = await endOf(deliver());

        assert.equal(error.retryAfterMs, 7000);
      }));
  }
}

function judgementOf(ending: unknown): Pick<HookError, "retryable" | "scope"> | undefined {
  return isHookError(ending) ? { retryable: ending.retryable, scope: ending.scope } : undefined;
}
