import type { JsonValue } from "@pipehooks/core";
import type { Answering, HttpAnswer, Misbehaviour } from "./http.ts";

/** Something that goes wrong at a receiver of alerts. */
export interface AlertFault {
  /**
   * Instead of the right answer: a status as the product says it, a page as what stands in front of it says it, or what goes
   * wrong on the wire.
   */
  readonly answer: number | "page" | Misbehaviour;
  /** Whether what was asked is done all the same. @default false */
  readonly effect?: boolean | undefined;
  /** `Retry-After` of the answer. */
  readonly retryAfter?: string | undefined;
  /** After so many it is over. @default never */
  readonly times?: number | undefined;
}

/** Faults of one receiver. */
export interface AlertFaults {
  /** Goes wrong from now on, until disposed of. */
  fault(fault: AlertFault): Disposable;
  /** The answer, or what goes wrong instead; `refuse` says a status in the product's way. */
  pass(right: () => Answering, refuse: (status: number) => HttpAnswer): Answering;
}

export function createAlertFaults(): AlertFaults {
  const faults = new Set<{ readonly fault: AlertFault; done: number }>();
  return {
    fault(fault) {
      const entry = { fault, done: 0 };
      faults.add(entry);
      return { [Symbol.dispose]: () => void faults.delete(entry) };
    },
    pass(right, refuse) {
      for (const entry of faults) {
        const { answer, effect = false, retryAfter, times } = entry.fault;
        if (entry.done >= (times ?? Number.POSITIVE_INFINITY)) continue;
        entry.done += 1;
        if (effect) right();
        if (answer === "page") {
          const headers = { "content-type": "text/html" };
          return { status: 200, headers, body: "<!doctype html><title>Sign in</title>" };
        }
        if (typeof answer !== "number") return answer;
        const { headers, ...rest } = refuse(answer);
        const hint = retryAfter === undefined ? {} : { "retry-after": retryAfter };
        return { ...rest, headers: { ...headers, ...hint } };
      }
      return right();
    },
  };
}

/** At most so many in any span; the receiver's own book. */
export function createAlertBook(
  limits: readonly { readonly count: number; readonly windowMs: number }[],
  now: () => number,
): {
  /** Undefined where one more fits, which is written down; else the milliseconds until one does. */
  take(): number | undefined;
} {
  const times: number[] = [];
  return {
    take() {
      const at = now();
      const waits = limits.map(({ count, windowMs }) => {
        const within = times.filter((time) => time > at - windowMs);
        const first = within[within.length - count];
        return first === undefined ? 0 : first + windowMs - at;
      });
      const wait = Math.max(0, ...waits);
      if (wait > 0) return wait;
      times.push(at);
      return undefined;
    },
  };
}

/** A text as the product answers it. */
export function alertText(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return { status, headers: { "content-type": "text/plain", ...headers }, body };
}

/** The JSON object of a request; undefined where it is none. */
export function parseAlert(text: string): { readonly [key: string]: JsonValue } | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isRecord(
  value: JsonValue | undefined,
): value is { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
