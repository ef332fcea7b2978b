import { ConnectFailure, describeFailure } from "../connect-failure.ts";
import { HookError, type HookErrorOptions, isHookError, messageOf } from "../errors.ts";
import type { JsonValue } from "../json.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { withoutStop } from "../without-stop.ts";
import { parseExactJson } from "./exact-json.ts";
import { AnswerTooBig, Exchange, type Received } from "./exchange.ts";
import {
  type JsonApi,
  type JsonApiAnswer,
  JsonApiError,
  type JsonApiOptions,
  type JsonApiRequest,
  type RequestEffect,
} from "./json-api.ts";
import type { Undici, UndiciPool } from "./undici.ts";

const usualMostBytes = 4 * 1024 * 1024;
const connectTimeoutMs = 10_000;
/** How long running requests may go on when the API is disposed of. */
const closeMs = 5000;
/** Longest text of an answer that is kept. */
const mostText = 2048;

/** Statuses besides 5xx that another attempt may change. */
const passing = new Set([408, 425, 429]);
/** They speak of the receiver as a whole. */
const overloaded = new Set([429, 503]);
/** The request was not acted upon; of 303 and others one cannot tell. */
const harmlessRedirects = new Set([301, 302, 307, 308]);

/**
 * Calls a receiver's JSON API: connections kept alive, redirects refused, answers bounded, 64-bit integers exact.
 * The plugin brings undici: `createJsonApi(await import("undici"), { … })`.
 * @throws HookError HOOK_OPTIONS_INVALID when the base is no https URL (and `allowHttp` is not set)
 */
export function createJsonApi(undici: Undici, options: JsonApiOptions): JsonApi {
  const { name, redact, now = Date.now } = options;
  const base = checkBase(options);
  const pool = createPool(undici, base, options.connections ?? 10);
  const prefix = base.pathname.replace(/\/+$/, "");
  let running = 0;
  let onIdle = () => {};
  let closing: Promise<void> | undefined;

  const send = async (
    method: string,
    path: string,
    request: JsonApiRequest,
    toError: ToError,
  ): Promise<Received> => {
    const { signal, query } = request;
    if (closing !== undefined) {
      throw toError("CLOSED", "is not called any more: the hook is disposed", { effect: "none" });
    }
    if (signal.aborted) throw toAborted(signal, "none", toError);
    const own = request.anonymous === true ? {} : await headersOf(options, toError);
    if (signal.aborted) throw toAborted(signal, "none", toError);
    const body = bodyOf(request);
    const headers = {
      accept: "application/json",
      "accept-encoding": "identity",
      ...(body !== undefined && { "content-type": body.type }),
      ...own,
      ...request.headers,
    };
    const exchange = new Exchange(signal, request.mostBytes ?? usualMostBytes);
    try {
      pool.dispatch(
        {
          method,
          path: `${prefix}${path}${queryOf(query)}`,
          headers: Object.entries(headers).flat(),
          body: body === undefined ? null : Buffer.from(body.text),
        },
        exchange,
      );
    } catch (error) {
      exchange.onResponseError(undefined, error);
    }
    try {
      return await exchange.received;
    } catch (error) {
      const effect = exchange.sent && !isRefusal(exchange.status) ? "unknown" : "none";
      if (signal.aborted) throw toAborted(signal, effect, toError);
      if (error instanceof AnswerTooBig) {
        const most = `${Math.round((request.mostBytes ?? usualMostBytes) / 1024)} KB`;
        throw toError("RECEIVER_FAILED", `answered more than ${most}`, { effect });
      }
      const { code, what, retryable } = describeFailure(error);
      const cause = error instanceof ConnectFailure ? error.cause : error;
      throw toError(code, what, { effect, retryable, cause });
    }
  };

  const call = async (
    method: string,
    path: string,
    request: JsonApiRequest,
  ): Promise<JsonApiAnswer> => {
    const toError: ToError = (code, what, rest) =>
      new JsonApiError(
        code,
        redact(`${name}: ${base.host} ${what} (${method} ${prefix}${pathOf(path)}).`),
        rest,
      );
    running += 1;
    try {
      const received = await send(method, path, request, toError);
      return judge(received, request, { options, now, toError });
    } finally {
      running -= 1;
      if (running === 0) onIdle();
    }
  };

  return {
    call,
    dispose() {
      closing ??= (async () => {
        if (running > 0) {
          const { promise, resolve } = Promise.withResolvers<void>();
          onIdle = resolve;
          const timer = setTimeout(resolve, closeMs);
          await promise;
          clearTimeout(timer);
        }
        await pool.destroy();
      })();
      return closing;
    },
  };
}

type ToError = (
  code: HookError["code"],
  what: string,
  rest: HookErrorOptions & { readonly effect: RequestEffect; readonly received?: JsonApiAnswer },
) => JsonApiError;

function judge(
  { status, headers, body }: Received,
  { plain }: JsonApiRequest,
  { options, now, toError }: { options: JsonApiOptions; now: () => number; toError: ToError },
): JsonApiAnswer {
  const text = body.toString("utf8");
  const json = parse(text);
  const received: JsonApiAnswer = { status, headers, json: json ?? null, text };
  const clean = options.redact(text);
  const answer = { status, body: clean.length > mostText ? clean.slice(0, mostText) : clean };
  if (status >= 200 && status < 300) {
    if (json !== undefined || plain === true) return received;
    const kind = String(headers["content-type"] ?? "no content-type").split(";")[0];
    throw toError("RECEIVER_FAILED", `answered ${status} with ${kind} that is no JSON`, {
      effect: "unknown",
      retryable: true,
      answer,
      received,
    });
  }
  if (status < 400) {
    throw toError("REDIRECT_REFUSED", `answered ${status}, a redirect, which is never followed`, {
      effect: harmlessRedirects.has(status) ? "none" : "unknown",
      answer,
      received,
    });
  }
  const explained = options.explain?.(received)?.trim();
  const retryable = status >= 500 || passing.has(status);
  throw toError(
    retryable ? "RECEIVER_FAILED" : "RECEIVER_REFUSED",
    `answered ${status}${explained ? `: ${withoutStop(explained).slice(0, 1000)}` : ""}`,
    {
      effect: isRefusal(status) ? "none" : "unknown",
      retryable,
      scope: overloaded.has(status) ? "destination" : "delivery",
      retryAfterMs: retryable ? parseRetryAfter(headers["retry-after"], now()) : undefined,
      answer,
      received,
    },
  );
}

/** A 4xx was not acted upon; 408 comes from gateways, too, which know nothing of that. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && status !== 408;
}

/** undefined for what is no JSON; an empty answer is null. */
function parse(text: string): JsonValue | undefined {
  if (text.trim() === "") return null;
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

function toAborted(signal: AbortSignal, effect: RequestEffect, toError: ToError): JsonApiError {
  const reason: unknown = signal.reason;
  const timedOut = isHookError(reason)
    ? reason.code === "TIMEOUT"
    : reason instanceof Error && reason.name === "TimeoutError";
  return timedOut
    ? toError("TIMEOUT", "did not answer in time", { effect, retryable: true, cause: reason })
    : toError("ABORTED", "was not waited for: the attempt was aborted", {
        effect,
        retryable: true,
        cause: reason,
      });
}

/** The credentials of a request that has not been sent, whatever fetching them met with. */
async function headersOf({ headers }: JsonApiOptions, toError: ToError) {
  try {
    return await headers();
  } catch (error) {
    if (!isHookError(error)) {
      const what = `has no credentials to be called with: ${messageOf(error)}`;
      throw toError("HOOK_FAILED", what, { effect: "none", retryable: true, cause: error });
    }
    const { code, message, retryable, retryAfterMs, scope, answer } = error;
    throw new JsonApiError(code, message, {
      ...{ retryable, retryAfterMs, scope, answer },
      effect: "none",
      cause: error,
    });
  }
}

function bodyOf({ body, form }: JsonApiRequest): { type: string; text: string } | undefined {
  if (form !== undefined) {
    return {
      type: "application/x-www-form-urlencoded",
      text: new URLSearchParams(form).toString(),
    };
  }
  return body === undefined ? undefined : { type: "application/json", text: JSON.stringify(body) };
}

function queryOf(query: JsonApiRequest["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) search.set(key, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** Without a query that a caller wrote into it. */
function pathOf(path: string): string {
  return path.replace(/[?#].*$/s, "");
}

function checkBase({ base: text, allowHttp = false, name, redact }: JsonApiOptions): URL {
  const written = String(text);
  const base = URL.canParse(written) ? new URL(written) : undefined;
  const invalid = (why: string) => new HookError("HOOK_OPTIONS_INVALID", redact(`${name}: ${why}`));
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw invalid(`"${written.includes("@") ? "…" : written}" is no https URL.`);
  }
  if (base.protocol === "http:" && !allowHttp && !isThisMachine(base.hostname)) {
    throw invalid(
      `${base.host} would be sent its token over plain http, which anybody on the way can read. Use https.`,
    );
  }
  return base;
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function createPool(undici: Undici, base: URL, connections: number): UndiciPool {
  const connector = undici.buildConnector({ allowH2: false, timeout: connectTimeoutMs });
  return new undici.Pool(base.origin, {
    connections,
    allowH2: false,
    // The caller's signal bounds it, from DNS to the last byte.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (target, callback) =>
      connector(target, (error: Error | null, socket: unknown) => {
        if (error === null) callback(null, socket);
        else
          callback(
            new ConnectFailure("The connection could not be opened", { cause: error }),
            null,
          );
      }),
  });
}
