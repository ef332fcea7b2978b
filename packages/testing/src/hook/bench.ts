import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type Delivery, HookError, isHookError, messageOf, type Outcome } from "@pipehooks/core";
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
  const ending = await attempt.catch(toHookError);
  if (isHookError(ending)) return ending;
  // A look that failed: it fails nothing, and tells what it met with.
  if (ending?.type === "pending" && ending.error !== undefined) return ending.error;
  return assert.fail(`it ended well: ${inspect(ending)}`);
}

/** Anything thrown, as a bus takes it: what is no `HookError` is worth another attempt. */
export function toHookError(thrown: unknown): HookError {
  if (isHookError(thrown)) return thrown;
  return new HookError("HOOK_FAILED", messageOf(thrown), { retryable: true, cause: thrown });
}

export function assertRetryable(error: HookError): void {
  assert.equal(error.retryable, true, `not retryable: ${inspect(error)}`);
}
