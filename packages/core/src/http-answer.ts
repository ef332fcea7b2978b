import { type Clock, systemClock } from "./clock.ts";
import { type Answer, HookError } from "./errors.ts";
import { delivered, type Outcome } from "./hook.ts";
import type { Redact } from "./redact.ts";
import { parseRetryAfter } from "./retry-after.ts";

/** What came back over HTTP: from {@link readAnswer}, from another client, or as `Hook.answered` is given it. */
export interface HttpAnswer {
  readonly status: number;
  /** Those of `fetch`, or values by their names in lower case. */
  readonly headers: FetchHeaders | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The start of what it said. Kept where it is a text. */
  readonly body?: unknown;
}

interface FetchHeaders {
  get(name: string): string | null;
}

/** Whose request it was; the context that a hook is made with will do. */
export interface HttpCaller {
  /** The configured hook's name; every message begins with it. */
  readonly name: string;
  /** Who was called, for messages: its host, never its URL. @default "the receiver" */
  readonly receiver?: string | undefined;
  /** What a person can do about an answer that stays the same. @default "Correct the options, then replay the delivery." */
  readonly remedy?: string | undefined;
  /** Takes secrets out of what is kept. @default leaves them to the bus */
  readonly redact?: Redact | undefined;
  /** @default the system's */
  readonly clock?: Pick<Clock, "now"> | undefined;
}

const retried: ReadonlySet<number> = new Set([408, 409, 421, 423, 425, 429]);
const permanent: ReadonlySet<number> = new Set([501, 505]);
const overloaded: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** In characters: the 2 KB of an attempt's record, and enough more that no secret is cut in two. */
const mostRead = 8192;
const mostKept = 2048;
/** Once the status is there, the start of the body may take so long. */
const bodyMs = 1000;

/**
 * What an answer means where nothing else is agreed upon: 2xx is delivered, with status and start of the body kept.
 * @throws HookError for every other status, by the table of docs/webhook.md: RECEIVER_FAILED (tried again, with its
 * Retry-After), RECEIVER_GONE (410: the hook is switched off), REDIRECT_REFUSED (3xx), RECEIVER_REFUSED
 */
export function judgeAnswer(received: HttpAnswer, caller: HttpCaller): Outcome {
  const { status } = received;
  const answer = toAnswer(received, caller);
  if (status >= 200 && status < 300) return delivered(answer);

  const { name, receiver = "the receiver", clock = systemClock } = caller;
  const { remedy = "Correct the options, then replay the delivery." } = caller;
  const said = `${name}: ${receiver} answered ${status}`;
  if (status < 400) {
    const message = `${said}, a redirect, which is never followed. ${remedy}`;
    throw new HookError("REDIRECT_REFUSED", message, { answer });
  }
  if (status === 410) {
    throw new HookError("RECEIVER_GONE", `${said}: gone. ${remedy}`, { scope: "gone", answer });
  }
  const retryAfterMs = parseRetryAfter(headerOf(received, "retry-after"), clock.now());
  if (isPassingStatus(status, retryAfterMs)) {
    throw new HookError("RECEIVER_FAILED", `${said}.`, {
      retryable: true,
      scope: scopeOfStatus(status),
      retryAfterMs,
      answer,
    });
  }
  throw new HookError("RECEIVER_REFUSED", `${said}. ${remedy}`, { answer });
}

/**
 * The status of an answer to `fetch` and the start of its body; the rest is let go of. An answer counts by its
 * status, even where its body breaks off, so this does not fail.
 */
export async function readAnswer({ status, headers, body }: Response): Promise<HttpAnswer> {
  return { status, headers, body: body === null ? "" : await readStart(body) };
}

async function readStart(body: NonNullable<Response["body"]>): Promise<string> {
  const reader = body.getReader();
  // What broke off already cannot be cancelled, and is let go of all the same.
  const letGo = () => reader.cancel().catch(() => {});
  const timer = setTimeout(letGo, bodyMs);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < mostRead) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, mostRead), { stream: true });
    }
  } catch {
    // What has come until then is the start.
  } finally {
    clearTimeout(timer);
    await letGo();
  }
  return text;
}

function toAnswer({ status, body }: HttpAnswer, { redact = (text) => text }: HttpCaller): Answer {
  if (typeof body !== "string" || body === "") return { status };
  // Redacted before it is cut, or half a secret would stay.
  return { status, body: redact(body.slice(0, mostRead)).slice(0, mostKept) };
}

function headerOf({ headers }: HttpAnswer, name: string): string | readonly string[] | undefined {
  return isFetchHeaders(headers) ? (headers.get(name) ?? undefined) : headers[name];
}

function isFetchHeaders(headers: HttpAnswer["headers"]): headers is FetchHeaders {
  return typeof headers.get === "function";
}

/** Where the receiver as a whole cannot keep up, everybody waits. */
export function scopeOfStatus(status: number): "destination" | "delivery" {
  return overloaded.has(status) ? "destination" : "delivery";
}

/** Whether another attempt may get another answer, of a status from 400 on. */
export function isPassingStatus(status: number, retryAfterMs: number | undefined): boolean {
  if (status >= 500) return !permanent.has(status);
  return retried.has(status) || (status === 413 && retryAfterMs !== undefined);
}
