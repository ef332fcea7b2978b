import type { JsonValue } from "./json.ts";

/** Every code a {@link HookError} can carry; `docs/errors.md` has one section for each. */
export const errorCodes = [
  "EVENT_INVALID",
  "EVENT_TOO_LARGE",
  "EVENT_TYPE_UNKNOWN",
  "EVENT_LOOP",
  "CONFIG_INVALID",
  "HOOK_OPTIONS_INVALID",
  "HOOK_KIND_UNKNOWN",
  "PLUGIN_INVALID",
  "PLUGIN_INCOMPATIBLE",
  "PACKAGE_MISSING",
  "TEMPLATE_INVALID",
  "TEMPLATE_FIELD_MISSING",
  "CONDITION_INVALID",
  "STORE_FULL",
  "STORE_BUSY",
  "STORE_UNWRITABLE",
  "STORE_CORRUPT",
  "STORE_TOO_NEW",
  "STORE_NETWORK_FILE_SYSTEM",
  "STORE_FAILED",
  "CLOSED",
  "TIMEOUT",
  "ABORTED",
  "ATTEMPT_LOST",
  "HOOK_FAILED",
  "RECEIVER_REFUSED",
  "RECEIVER_FAILED",
  "RECEIVER_GONE",
  "RECEIVER_UNREACHABLE",
  "RECEIVER_UNTRUSTED",
  "REDIRECT_REFUSED",
  "TARGET_BLOCKED",
  "REQUEST_INVALID",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What a receiver answered, kept with the attempt (redacted) so that it can be asked for later. */
export interface Answer {
  /** HTTP status or the protocol's own status number. */
  readonly status?: number | undefined;
  /** The first 2 KB of the answer as text. */
  readonly body?: string | undefined;
  /** Where the time went, in milliseconds, as far as the protocol tells. */
  readonly timing?: Readonly<Record<string, number>> | undefined;
}

export interface HookErrorOptions {
  /** Whether another attempt may succeed. @default false */
  readonly retryable?: boolean | undefined;
  /** The receiver's own wish (Retry-After), in milliseconds from now; it wins over the backoff. */
  readonly retryAfterMs?: number | undefined;
  /**
   * What the failure says something about. `destination`: every hook that shares the destination waits
   * until the next attempt (429, 503); `gone`: the hook is disabled (410).
   * @default "delivery"
   */
  readonly scope?: "delivery" | "destination" | "gone" | undefined;
  /**
   * Of a call with many records: without some of them it may succeed, so it is repeated in halves until it is
   * known which. @default false
   */
  readonly divisible?: boolean | undefined;
  readonly answer?: Answer | undefined;
  /** What the next attempt finds as `Delivery.state`. @default what this one found */
  readonly state?: JsonValue | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class of Pipehooks; told apart by {@link HookError.code}. Across packages check the
 * code with {@link isHookError}, not `instanceof`.
 */
export class HookError extends Error {
  override readonly name = "HookError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly scope: "delivery" | "destination" | "gone";
  readonly divisible: boolean;
  readonly answer: Answer | undefined;
  readonly state: JsonValue | undefined;

  constructor(code: ErrorCode, message: string, options: HookErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.scope = options.scope ?? "delivery";
    this.divisible = options.divisible ?? false;
    this.answer = options.answer;
    this.state = options.state;
  }
}

const known: ReadonlySet<unknown> = new Set(errorCodes);

/** Narrows to a {@link HookError}, also one made by another copy of this package. */
export function isHookError(value: unknown): value is HookError {
  return (
    value instanceof Error && value.name === "HookError" && known.has(Reflect.get(value, "code"))
  );
}

/** The text of anything thrown, for messages. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    // An object without a prototype has no text.
    return Object.prototype.toString.call(thrown);
  }
}
