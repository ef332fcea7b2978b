import {
  effectOf,
  type HookError,
  type JsonApiAnswer,
  JsonApiError,
  type JsonObject,
  type JsonValue,
} from "@pipehooks/core";

/** What Hex says in the body of an error, in one of its four shapes. */
interface HexComplaint {
  /** For people; undefined where the body is none of Hex's. */
  readonly text: string | undefined;
  /** For Hex's support. */
  readonly traceId: string | undefined;
  /** Whether it is JSON of one of Hex's own shapes: what stands in between (a proxy) answers in other ones. */
  readonly own: boolean;
}

/** Longest text that is taken over. */
const longestText = 600;

/**
 * Reads the body of an error: `{ reason, details }` (older routes), `{ invalid, notFound }` (wrong inputs),
 * `{ code, message, issues }` (newer routes) or bare text. As Hex's OpenAPI document describes them.
 */
function parseComplaint(text: string): HexComplaint {
  const body = parseObject(text);
  if (body === undefined) {
    const plain = text.trim();
    const readable = plain !== "" && !plain.startsWith("<");
    return { text: readable ? cut(plain) : undefined, traceId: undefined, own: false };
  }
  const said = wrongInputs(body) ?? reasonOf(body) ?? messageOf(body);
  return {
    text: said === undefined ? undefined : cut(said),
    traceId: textOf(body.traceId),
    own: said !== undefined,
  };
}

/** What to do about a status, where Hex's words alone do not say it. */
function remedyOf(status: number): string | undefined {
  switch (status) {
    case 401:
      return 'Check "token": it may have expired, or been regenerated.';
    case 403:
      return "The token lacks a permission: to run projects, or (for published results) Can Edit on the project.";
    case 404:
      return 'Check "project" and "host": the project is not there, or this token does not see it.';
    case 422:
      return "Mend the options or publish the project, then replay.";
    default:
      return undefined;
  }
}

/** The same failure in Hex's words, with what to do about it. */
export function withComplaint(error: HookError, redact: (text: string) => string): HookError {
  const received: unknown = Reflect.get(error, "received");
  const { status } = error.answer ?? {};
  if (status === undefined || !isAnswer(received)) return error;
  // Redacted before it is read: what is cut later could leave half a secret.
  const { text, traceId, own } = parseComplaint(redact(received.text));
  const trace = traceId ?? [received.headers["x-trace-id"] ?? []].flat()[0];
  const parts = [
    error.message,
    text === undefined ? undefined : `Hex says: ${text}${/[.!?]$/.test(text) ? "" : "."}`,
    remedyOf(status),
    trace === undefined ? undefined : `Trace ${redact(trace)}.`,
  ];
  const { code, retryable, scope, answer, cause } = error;
  return new JsonApiError(code, parts.filter((part) => part !== undefined).join(" "), {
    ...{ retryable, scope, answer, cause },
    // Nothing documented says when to come again after a 429: the window is a minute.
    retryAfterMs: error.retryAfterMs ?? (status === 429 ? 60_000 : undefined),
    // Hex itself refuses so before it does anything; what stands in between may have passed it on.
    effect: status === 503 && own ? "none" : effectOf(error),
  });
}

/** Whether a start was refused because all kernels of the user are taken: no run was made. */
export function isKernelLimit(error: HookError): boolean {
  return error.answer?.status === 503 && effectOf(error) === "none";
}

function isAnswer(value: unknown): value is JsonApiAnswer {
  return typeof value === "object" && value !== null && "headers" in value && "text" in value;
}

function wrongInputs({ invalid, notFound }: JsonObject): string | undefined {
  if (!Array.isArray(invalid) && !Array.isArray(notFound)) return undefined;
  const wrong = (Array.isArray(invalid) ? invalid : []).flatMap((each) => {
    if (!isObject(each)) return [];
    const { paramName, paramValue, dataType, inputCellType } = each;
    const cell = textOf(inputCellType);
    return `input "${textOf(paramName) ?? "?"}" is ${textOf(paramValue) ?? "?"}, but takes a ${textOf(dataType) ?? "?"}${cell === undefined ? "" : ` (${cell})`}`;
  });
  const missing = (Array.isArray(notFound) ? notFound : []).map((name) => `"${textOf(name)}"`);
  if (missing.length > 0) {
    wrong.push(`the published app has no input ${missing.join(", ")}`);
  }
  return wrong.length === 0 ? undefined : wrong.join("; ");
}

function reasonOf({ reason, details }: JsonObject): string | undefined {
  const text = textOf(reason);
  const more = textOf(details);
  return text === undefined || more === undefined ? text : `${text} (${more})`;
}

function messageOf({ message, issues }: JsonObject): string | undefined {
  const text = textOf(message);
  if (text === undefined || !Array.isArray(issues)) return text;
  const more = issues.flatMap((issue) => (isObject(issue) ? (textOf(issue.message) ?? []) : []));
  return [text, ...more].join("; ");
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}
