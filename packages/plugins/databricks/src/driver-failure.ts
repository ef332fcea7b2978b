import {
  describeFailure,
  failureCodeOf,
  type HookErrorOptions,
  JsonApiError,
  messageOf,
  parseRetryAfter,
  withoutStop,
} from "@pipehooks/core";
import { asksAgain, explanationInJson, isInDoubt } from "./explanation.ts";
import type { Workspace } from "./workspace.ts";

/** What is needed to put a failure of the driver into words. */
export interface FailureParts {
  /** The hook's name. */
  readonly name: string;
  readonly workspace: Pick<Workspace, "hostName" | "hide">;
  readonly now: () => number;
}

/** Statuses besides 5xx that another attempt may change. */
const passing = new Set([408, 425, 429]);
/** Nothing was sent. */
const unsent = /^(?:ECONNREFUSED|ENOTFOUND|ENODATA|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** Where an answer's body explains it, it is not waited for longer. */
const bodyMs = 2_000;

/** A failure of a driver's call as the other transport would tell it; the driver throws five sorts of things. */
export async function toDriverError(
  thrown: unknown,
  method: string,
  parts: FailureParts,
): Promise<JsonApiError> {
  const status = statusOfThrown(thrown);
  if (status !== undefined) return toRefusal(thrown, status, { ...parts, method });
  const message = messageOf(thrown);
  if (/request timed out/i.test(message)) {
    return toError(parts, "TIMEOUT", `did not answer in time (${method})`, {
      effect: "unknown",
      retryable: true,
    });
  }
  const code = failureCodeOf(thrown);
  // FetchError of node-fetch, and what the driver makes of it after a second try.
  if (code === "" && !/socket hang up|premature close|^Hive driver: Error when/i.test(message)) {
    return toError(
      parts,
      "RECEIVER_FAILED",
      `answered what the driver does not understand (${method}): ${message}`,
      { effect: "unknown", retryable: true, cause: causeOf(thrown, parts) },
    );
  }
  const known = describeFailure(thrown, '"tls.ca"');
  const what = code === "" ? "closed the connection before it had answered" : known.what;
  return toError(parts, known.code, `${what} (${method})`, {
    effect: known.code === "RECEIVER_UNTRUSTED" || unsent.test(code) ? "none" : "unknown",
    retryable: known.retryable,
    cause: causeOf(thrown, parts),
  });
}

/** A call that was not waited for any more. */
export function toAborted(
  signal: AbortSignal,
  method: string,
  parts: FailureParts & { readonly effect: "none" | "unknown" },
): JsonApiError {
  const reason: unknown = signal.reason;
  const timedOut =
    Reflect.get(Object(reason), "code") === "TIMEOUT" ||
    Reflect.get(Object(reason), "name") === "TimeoutError";
  const { effect } = parts;
  return timedOut
    ? toError(parts, "TIMEOUT", `did not answer in time, or not as a warehouse does (${method})`, {
        effect,
        retryable: true,
      })
    : toError(parts, "ABORTED", `was not waited for: the attempt was aborted (${method})`, {
        effect,
        retryable: true,
      });
}

/** Status of the answer: THTTPException has it, of tries that were repeated only the message does. */
export function statusOfThrown(thrown: unknown): number | undefined {
  const status: unknown = Reflect.get(Object(thrown), "statusCode");
  if (typeof status === "number") return status;
  const told = /^Hive driver: (\d{3}) when/.exec(messageOf(thrown))?.[1];
  return told === undefined ? undefined : Number(told);
}

async function toRefusal(
  thrown: unknown,
  status: number,
  parts: FailureParts & { readonly method: string },
): Promise<JsonApiError> {
  const { method, now } = parts;
  const response = Reflect.get(Object(thrown), "response") as DriverResponse | undefined;
  const explained = response && (await explanationIn(response));
  const said = explained ?? "";
  const retryable = status >= 500 || passing.has(status) || asksAgain(said);
  const isRefusal = status >= 400 && status < 500 && status !== 408 && !isInDoubt(said);
  const text = explained === undefined ? "" : `: ${withoutStop(explained).slice(0, 1000)}`;
  return toError(
    parts,
    retryable ? "RECEIVER_FAILED" : "RECEIVER_REFUSED",
    `answered ${status}${text} (${method})`,
    {
      effect: isRefusal ? "none" : "unknown",
      retryable,
      scope: status === 429 || status === 503 ? "destination" : "delivery",
      retryAfterMs: retryable
        ? parseRetryAfter(response?.headers.get("retry-after") ?? undefined, now())
        : undefined,
      answer: { status },
    },
  );
}

/** Of node-fetch, as far as it is read. */
interface DriverResponse {
  readonly headers: { get(name: string): string | null };
  readonly body?: { destroy?(): void } | undefined;
  text(): Promise<string>;
}

/** The header in which a warehouse explains itself (databricks-sql-python, databricks-sql-go), or the body of a gateway. */
async function explanationIn(response: DriverResponse): Promise<string | undefined> {
  const header = response.headers.get("x-thriftserver-error-message");
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  if (header !== null || !isJson) {
    // Otherwise its connection would stay taken.
    response.body?.destroy?.();
    return header ?? undefined;
  }
  const timer = setTimeout(() => response.body?.destroy?.(), bodyMs);
  try {
    return explanationInJson(JSON.parse(await response.text()));
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function toError(
  { name, workspace }: FailureParts,
  code: JsonApiError["code"],
  what: string,
  options: HookErrorOptions & { readonly effect: "none" | "unknown" },
): JsonApiError {
  return new JsonApiError(code, workspace.hide(`${name}: ${workspace.hostName} ${what}.`), options);
}

/** Without whatever else the driver hangs on its errors, such as requests with their headers. */
function causeOf(thrown: unknown, { workspace }: FailureParts): Error {
  return new Error(workspace.hide(messageOf(thrown)));
}
