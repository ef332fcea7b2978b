import { type ErrorCode, HookError, type HookErrorOptions } from "../errors.ts";
import type { JsonValue } from "../json.ts";
import type { Headers } from "./undici.ts";

/** A receiver's JSON API over kept-alive connections. Tries nothing again: that is for the caller to decide. */
export interface JsonApi {
  /**
   * One request, one whole answer of 2xx.
   * @throws JsonApiError RECEIVER_REFUSED (4xx), RECEIVER_FAILED (408, 425, 429, 5xx, and 2xx that is no JSON),
   * REDIRECT_REFUSED, RECEIVER_UNREACHABLE, RECEIVER_UNTRUSTED, REQUEST_INVALID, TIMEOUT, ABORTED, CLOSED
   */
  call(method: string, path: string, request: JsonApiRequest): Promise<JsonApiAnswer>;
  /** Lets running requests end for a while, then cuts them. May be called twice. */
  dispose(): Promise<void>;
}

export interface JsonApiOptions {
  /** Where the API is; a path in it stands before every path that is called. */
  readonly base: string | URL;
  /** Of every request: credentials, user-agent. Asked for each one, so tokens may change. */
  readonly headers: () =>
    | Promise<Readonly<Record<string, string>>>
    | Readonly<Record<string, string>>;
  /** The hook's name, for messages. */
  readonly name: string;
  /** Replaces secrets in messages and answers that are kept. */
  readonly redact: (text: string) => string;
  /** Plain http to other machines than this one. @default false */
  readonly allowHttp?: boolean | undefined;
  /**
   * What a failed answer says, for people: the field of its body that explains it, or what its text says where that is no
   * JSON (`json` is null then). Behind the status in the message.
   * @default nothing
   */
  readonly explain?: ((answer: JsonApiAnswer) => string | undefined) | undefined;
  /** Requests at a time. @default 10 */
  readonly connections?: number | undefined;
  /** Milliseconds since the epoch, for dates in Retry-After. @default Date.now */
  readonly now?: (() => number) | undefined;
}

export interface JsonApiRequest {
  /** Bounds it, from DNS to the last byte. */
  readonly signal: AbortSignal;
  /** Values of undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Sent as JSON; integers beyond 2^53 by {@link jsonInteger}. */
  readonly body?: JsonValue | undefined;
  /** Sent as `application/x-www-form-urlencoded`, in place of `body`. */
  readonly form?: Readonly<Record<string, string>> | undefined;
  /** On top of {@link JsonApiOptions.headers}. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Leaves {@link JsonApiOptions.headers} out: for the request that fetches a token. @default false */
  readonly anonymous?: boolean | undefined;
  /** Takes an answer that is no JSON, too; then `json` is null. @default false */
  readonly plain?: boolean | undefined;
  /** Longest answer. @default 4 MB */
  readonly mostBytes?: number | undefined;
}

export interface JsonApiAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Headers;
  /** Integers beyond 2^53 are text with all their digits; null where the answer has no body. */
  readonly json: JsonValue;
  readonly text: string;
}

/** Whether a failed request may have had its effect all the same. */
export type RequestEffect = "none" | "unknown";

/** A request that failed. {@link JsonApiError.effect} says whether it may have done its work all the same. */
export class JsonApiError extends HookError {
  /**
   * `none`: it was not sent, or refused (4xx, 429); `unknown`: cut, timed out, 408, 5xx, or an answer that is not
   * the API's.
   */
  readonly effect: RequestEffect;
  // Not shown where the error is: a receiver may echo the token that it was sent.
  readonly #received: JsonApiAnswer | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: HookErrorOptions & {
      readonly effect: RequestEffect;
      readonly received?: JsonApiAnswer | undefined;
    },
  ) {
    super(code, message, options);
    this.effect = options.effect;
    this.#received = options.received;
  }

  /** The receiver's answer, where there was a whole one. */
  get received(): JsonApiAnswer | undefined {
    return this.#received;
  }
}

/** Whether something thrown by {@link JsonApi.call} may have had its effect; what is not known counts as it may. */
export function effectOf(thrown: unknown): RequestEffect {
  const effect: unknown = thrown instanceof Error ? Reflect.get(thrown, "effect") : undefined;
  return effect === "none" ? "none" : "unknown";
}
