import { createSecureContext, getCACertificates } from "node:tls";
import {
  createJsonApi,
  type HookContext,
  HookError,
  isHookError,
  type JsonApi,
  type JsonApiAnswer,
  JsonApiError,
  type JsonApiRequest,
  optionName,
  parseRetryAfter,
  type Undici,
} from "@pipehooks/core";
import { createAuth } from "./auth.ts";
import type { Connection } from "./connection.ts";
import { asksAgain, explanationOf, isInDoubt } from "./explanation.ts";
import { version } from "./version.ts";

/** A Databricks workspace that can be called. */
export interface Workspace {
  /** Such as `dbc-a1b2.cloud.databricks.com`. */
  readonly hostName: string;
  /** Such as `https://dbc-a1b2.cloud.databricks.com`. */
  readonly origin: string;
  /** @throws HookError as {@link JsonApi.call}; with OAuth, a token that is refused is renewed once */
  call(method: string, path: string, request: JsonApiRequest): Promise<JsonApiAnswer>;
  /** The same below the Jobs API, whichever version there is. */
  jobs(method: string, path: string, request: JsonApiRequest): Promise<JsonApiAnswer>;
  /**
   * What a call by other means than {@link Workspace.call} needs: headers that say who calls.
   * @throws HookError as the token endpoint answers; nothing has been sent then
   */
  authorize(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** A call with these headers was refused: answers whether another one may do better. */
  renew(headers: Readonly<Record<string, string>>): boolean;
  /** For an answer of 2xx that is not what it should be: the request may have had its effect. */
  odd(what: string): HookError;
  /** For what the workspace says by other means than the status of its answer. */
  refused(what: string, options: { readonly retryable: boolean }): HookError;
  /** Removes what must not be shown. */
  hide(text: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Loads undici and makes a workspace. */
export async function openWorkspace(
  connection: Connection,
  { name, clock, logger, redact }: Pick<HookContext, "name" | "clock" | "logger" | "redact">,
): Promise<Workspace> {
  const undici = await import("undici");
  const hide = (text: string) => redact(auth.hide(text));
  const callerHeaders = () => ({
    authorization: auth.header(),
    ...(connection.workspaceId !== undefined && {
      "x-databricks-workspace-id": connection.workspaceId,
    }),
  });
  const api: JsonApi = createJsonApi(
    connection.ca === undefined ? undici : trusting(undici, connection.ca),
    {
      base: connection.host,
      allowHttp: connection.allowHttp,
      headers: () => ({ ...callerHeaders(), "user-agent": `pipehooks-databricks/${version}` }),
      name,
      redact: hide,
      explain: explanationOf,
      now: () => clock.now(),
    },
  );
  const auth = createAuth(connection, { api: () => api, clock, logger, name });
  const hostName = new URL(connection.host).host;
  const credentials =
    connection.auth.type === "token"
      ? optionName("token")
      : `${optionName("clientId")} and ${optionName("clientSecret")}`;
  let jobsVersion = "2.2";

  const call: Workspace["call"] = async (method, path, request) => {
    for (let renewed = false; ; renewed = true) {
      await ready(request.signal);
      const header = auth.header();
      try {
        return await api.call(method, path, request);
      } catch (error) {
        if (statusOf(error) === 401 && !renewed && auth.refused(header)) continue;
        throw judged(error, { credentials, now: () => clock.now() });
      }
    }
  };

  const ready = async (signal: AbortSignal): Promise<void> => {
    try {
      await auth.ready(signal);
    } catch (error) {
      throw notSent(error, { name, signal });
    }
  };

  return {
    hostName,
    origin: connection.host,
    hide,
    async authorize(signal) {
      await ready(signal);
      return callerHeaders();
    },
    renew: ({ authorization = "" }) => auth.refused(authorization),
    odd: (what) =>
      new HookError("RECEIVER_FAILED", `${name}: ${hostName}: ${what}.`, { retryable: true }),
    refused: (what, { retryable }) =>
      new HookError(
        retryable ? "RECEIVER_FAILED" : "RECEIVER_REFUSED",
        hide(`${name}: ${hostName}: ${what}`),
        { retryable },
      ),
    call,
    async jobs(method, path, request) {
      try {
        return await call(method, `/api/${jobsVersion}/jobs${path}`, request);
      } catch (error) {
        // Seen where a workspace is behind; 2.1 takes the same requests.
        const isOld = statusOf(error) === 404 && /Bad Target/i.test(textIn(error));
        if (!isOld || jobsVersion === "2.1") throw error;
        jobsVersion = "2.1";
        return call(method, `/api/2.1/jobs${path}`, request);
      }
    },
    async [Symbol.asyncDispose]() {
      auth.dispose();
      await api.dispose();
    },
  };
}

/** The same undici, which trusts one more issuer of certificates. */
function trusting({ Pool, buildConnector }: Undici, ca: string): Undici {
  const secureContext = createSecureContext({ ca: [...getCACertificates(), ca] });
  return {
    Pool,
    buildConnector: (options) => buildConnector({ ...options, ...{ secureContext } }),
  };
}

/** HTTP status of a failed call, where there was an answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof JsonApiError ? error.received?.status : undefined;
}

/** Whether the call says that what was asked for is not there; some versions answer 400 instead of 404. */
export function isMissing(error: unknown): boolean {
  const status = statusOf(error);
  return status === 404 || (status === 400 && /does not exist/i.test(textIn(error)));
}

/** What was answered, whatever its form. */
function textIn(error: unknown): string {
  return error instanceof JsonApiError ? (error.received?.text ?? "") : "";
}

/** A refusal with what to do about it; of some another attempt is worth it (databricks-sdk-py `errors/`). */
function judged(
  error: unknown,
  { credentials, now }: { readonly credentials: string; readonly now: () => number },
): unknown {
  if (!(error instanceof JsonApiError) || error.code !== "RECEIVER_REFUSED") return error;
  const { code, message, effect, received, answer } = error;
  const kept = { received, answer };
  if (received?.status === 401) {
    return new JsonApiError(code, `${message} Check ${credentials}.`, { ...kept, effect });
  }
  const said = textIn(error);
  if (!isAborted(error) && !asksAgain(said)) return error;
  return new JsonApiError("RECEIVER_FAILED", message, {
    ...kept,
    effect: isInDoubt(said) ? "unknown" : effect,
    retryable: true,
    retryAfterMs: parseRetryAfter(received?.headers["retry-after"], now()),
  });
}

/** Of 409 this one is worth another attempt, others are not. */
function isAborted({ received }: JsonApiError): boolean {
  const code: unknown = Reflect.get(Object(received?.json), "error_code");
  return received?.status === 409 && code === "ABORTED";
}

/** What fetching a token met with; the request itself has not been sent. */
function notSent(
  error: unknown,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): HookError {
  if (isHookError(error)) {
    const { code, message, retryable, retryAfterMs, scope, answer } = error;
    const isRefused = code === "RECEIVER_REFUSED";
    return new JsonApiError(
      code,
      isRefused
        ? `${message} Check ${optionName("clientId")}, ${optionName("clientSecret")} and "host".`
        : message,
      { retryable, retryAfterMs, scope, answer, effect: "none", cause: error },
    );
  }
  const timedOut = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  return new JsonApiError(
    timedOut ? "TIMEOUT" : "ABORTED",
    `${name}: no access token ${timedOut ? "came in time" : "was waited for: the attempt was aborted"}.`,
    { retryable: true, effect: "none", cause: error },
  );
}
