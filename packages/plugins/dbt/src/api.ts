import {
  createJsonApi,
  effectOf,
  type HookContext,
  type HookError,
  isHookError,
  type JsonApi,
  type JsonApiAnswer,
  JsonApiError,
  type JsonApiRequest,
  type JsonObject,
  type JsonValue,
  optionName,
  parseExactJson,
} from "@pipehooks/core";
import type { AccountHost } from "./host.ts";
import { version } from "./version.ts";

/** Over the limit of requests an account is refused for so long (https://docs.getdbt.com/dbt-cloud/api-v2). */
const cooldownMs = 300_000;
/** Longest artifact that is read: the compiled code of every node is in it. */
const mostArtifactBytes = 32 * 1024 * 1024;

/** The API v2 of one account of dbt Cloud. */
export interface DbtApi {
  /** The `data` of the envelope; `path` begins behind the account. */
  call(method: "GET" | "POST", path: string, request: JsonApiRequest): Promise<JsonValue>;
  /** A run, and the time there in milliseconds since the epoch; undefined where the answer does not tell it. */
  run(
    id: string,
    signal: AbortSignal,
  ): Promise<{ readonly run: JsonObject; readonly at: number | undefined }>;
  /** A list, with how many there are in all. */
  list(
    path: string,
    request: JsonApiRequest,
  ): Promise<{ readonly items: readonly JsonObject[]; readonly total: number | undefined }>;
  /** A file of a run; undefined where there is none. */
  artifact(path: string, request: JsonApiRequest): Promise<JsonValue | undefined>;
  dispose(): Promise<void>;
}

export interface DbtAccount {
  readonly host: AccountHost;
  readonly accountId: string;
  readonly token: string;
  readonly tokenScheme: "Token" | "Bearer";
  readonly allowHttp: boolean;
}

/** Loads the HTTP client. */
export async function createDbtApi(account: DbtAccount, context: HookContext): Promise<DbtApi> {
  const { host, accountId } = account;
  const api: JsonApi = createJsonApi(await import("undici"), {
    base: `${host.origin}/api/v2/accounts/${accountId}`,
    name: context.name,
    redact: context.redact,
    allowHttp: account.allowHttp,
    now: () => context.clock.now(),
    headers: () => ({
      authorization: `${account.tokenScheme} ${account.token}`,
      "user-agent": `pipehooks-dbt/${version}`,
    }),
    explain: ({ json }) => explanation(json),
  });

  const call = async (
    method: string,
    path: string,
    request: JsonApiRequest,
  ): Promise<JsonApiAnswer> => {
    try {
      return await api.call(method, `/${path}`, request);
    } catch (error) {
      throw isHookError(error) ? inItsWords(error, accountId) : error;
    }
  };
  /** Status and envelope both have to say that it went well. */
  const envelope = async (
    method: string,
    path: string,
    request: JsonApiRequest,
  ): Promise<Envelope> => {
    const received = await call(method, path, request);
    const body = objectOf(received.json);
    if (objectOf(body?.status)?.is_success === true && body !== undefined && "data" in body) {
      return { body, at: dateOf(received) };
    }
    const why = explanation(received.json);
    const what =
      why === undefined
        ? "answered JSON that is not the API's. Check that it is the account's access URL"
        : `answered 200 and yet that it failed: ${why}`;
    throw new JsonApiError(
      "RECEIVER_FAILED",
      context.redact(`${context.name}: ${host.host} ${what} (${method} ${path}).`),
      { effect: "unknown", retryable: true },
    );
  };

  return {
    call: async (method, path, request) =>
      (await envelope(method, path, request)).body.data ?? null,
    async run(id, signal) {
      const { body, at } = await envelope("GET", `runs/${id}/`, { signal });
      return { run: objectOf(body.data) ?? {}, at };
    },
    async list(path, request) {
      const { data, extra } = (await envelope("GET", path, request)).body;
      const total = objectOf(objectOf(extra)?.pagination)?.total_count;
      return {
        items: objectsOf(data),
        total: typeof total === "number" ? total : undefined,
      };
    },
    async artifact(path, request) {
      try {
        const { text } = await call("GET", path, {
          ...request,
          // Given as it is: who asks for JSON may be refused.
          headers: { accept: "*/*" },
          plain: true,
          mostBytes: mostArtifactBytes,
        });
        return parseExactJson(text);
      } catch (error) {
        if (isHookError(error) && error.answer?.status === 404) return undefined;
        throw error;
      }
    },
    dispose: () => api.dispose(),
  };
}

interface Envelope {
  readonly body: JsonObject;
  readonly at: number | undefined;
}

/** When it was answered, by the clock there. */
function dateOf({ headers }: JsonApiAnswer): number | undefined {
  const at = Date.parse(String(headers.date));
  return Number.isNaN(at) ? undefined : at;
}

export function objectOf(value: unknown): JsonObject | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : undefined;
}

/** The objects of a list; none where it is no list. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.map(objectOf).filter((item) => item !== undefined);
}

/** An id as text, whether it came as a number or as text. */
export function idOf(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && /^\d+$/.test(text) ? text : undefined;
}

/** A text that says something: some fields hold the word None. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value !== "None" ? value : undefined;
}

function explanation(json: JsonValue): string | undefined {
  const status = objectOf(objectOf(json)?.status);
  return textOf(status?.user_message) ?? textOf(status?.developer_message);
}

const remedies: Readonly<Record<number, string>> = {
  401: 'Check "token".',
  403: `Check ${optionName("accountId")} and what the token may do.`,
  404: `Check "host", ${optionName("accountId")} and the job.`,
};

/** The same failure with what dbt Cloud means by it, and without the answer as it came. */
function inItsWords(error: HookError, accountId: string): HookError {
  const { retryable, scope, answer, cause, retryAfterMs } = error;
  const status = answer?.status;
  const remedy = status === undefined ? undefined : remedies[status];
  const said = status === 403 ? `${error.message} (account ${accountId})` : error.message;
  return new JsonApiError(error.code, remedy === undefined ? said : `${said} ${remedy}`, {
    ...{ retryable, scope, answer, cause },
    retryAfterMs: status === 429 ? (retryAfterMs ?? cooldownMs) : retryAfterMs,
    effect: effectOf(error),
  });
}
