import {
  type Delivery,
  delivered,
  type GivenAnswer,
  type Hook,
  HookError,
  type JsonValue,
  type Outcome,
  parseRetryAfter,
} from "@pipehooks/core";
import type { GivenAnswerInput } from "./schema.ts";

const retried = new Set([408, 425, 429]);

/** Ends an attempt as it would end if the receiver said this. */
export async function answerWith(
  said: GivenAnswerInput,
  delivery: Delivery,
  parts: { readonly hook: Pick<Hook, "answered">; readonly now: () => number },
): Promise<Outcome | void> {
  if (said === "timeout") return untilTimeout(delivery.signal);
  if (said === "refused") {
    throw new HookError("RECEIVER_UNREACHABLE", `${delivery.hook}: the connection was refused.`, {
      retryable: true,
    });
  }
  const answer = toAnswer(said);
  const { answered } = parts.hook;
  if (answered !== undefined) return answered.call(parts.hook, answer, delivery);
  return judge(answer, delivery, parts.now());
}

function toAnswer(said: Exclude<GivenAnswerInput, string>): GivenAnswer {
  if (typeof said === "number") return { status: said, headers: {}, body: null };
  const headers = Object.entries(said.headers ?? {});
  return {
    status: said.status,
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), `${value}`])),
    // It was read from YAML, which gives nothing that JSON cannot carry.
    body: (said.body ?? null) as JsonValue,
  };
}

/** As a kind that says nothing else (`Hook.answered`). */
function judge({ status, headers }: GivenAnswer, delivery: Delivery, now: number): Outcome {
  if (status >= 200 && status < 300) return delivered({ status });
  const retryable = retried.has(status) || status >= 500;
  throw new HookError(
    retryable ? "RECEIVER_FAILED" : "RECEIVER_REFUSED",
    `${delivery.hook}: the receiver answered ${status} to event ${delivery.event.id}.`,
    {
      retryable,
      retryAfterMs: retryable ? parseRetryAfter(headers["retry-after"], now) : undefined,
      answer: { status },
    },
  );
}

function untilTimeout(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
