import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type Delivery, type HookError, isHookError, type Outcome } from "@pipehooks/core";
import { type OpenedHook, openHook } from "../open-hook.ts";
import { createHttpReceiver, type HttpReceiver, type Respond } from "../receivers/http.ts";
import { createTestDelivery } from "../test-delivery.ts";
import type { HookSuite } from "./suite.ts";

/** The hook under test, and the receiver that it delivers to. */
export interface Bench {
  readonly receiver: HttpReceiver;
  readonly opened: OpenedHook;
  deliver(fields?: Partial<Delivery>): Promise<Outcome | void>;
}

/** Opens a bench for one test; disposed of when the body has ended. */
export async function using<Input>(
  suite: HookSuite<Input>,
  respond: Respond | undefined,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const receiver = await createHttpReceiver({ respond: respond ?? suite.respond ?? 200 });
  try {
    const opened = await openHook(suite.hook, suite.options(receiver));
    try {
      await body({
        receiver,
        opened,
        // A hook may throw before it makes a promise; both are failures of the attempt.
        deliver: async (fields) =>
          opened.hook.deliver(createTestDelivery({ ...suite.delivery, ...fields })),
      });
    } finally {
      await opened[Symbol.asyncDispose]();
    }
  } finally {
    await receiver[Symbol.asyncDispose]();
  }
}

/** The error that an attempt ends with. */
export async function endOf(attempt: Promise<Outcome | void>): Promise<HookError> {
  const error = await attempt.then(
    (outcome) => {
      // A look that failed: it fails nothing, and tells what it met with.
      if (outcome?.type === "pending" && outcome.error !== undefined) return outcome.error;
      return assert.fail(`it ended well: ${inspect(outcome)}`);
    },
    (thrown: unknown) => thrown,
  );
  assert.ok(isHookError(error), `no HookError was thrown but ${inspect(error)}`);
  return error;
}

export function assertRetryable(error: HookError): void {
  assert.equal(error.retryable, true, `not retryable: ${inspect(error)}`);
}
