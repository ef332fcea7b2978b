import { type GivenAnswer, type HookError, optionName, type RecordOutcome } from "@pipehooks/core";
import { fieldOf } from "./cloud.ts";
import { type Complaint, toFailure, toUnanswered, type Verdict, type Where } from "./failure.ts";

/** Names of gRPC's codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const names: readonly string[] = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"],
  ...["ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"],
  ...["ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
  "UNAUTHENTICATED",
];
/** What Google's REST answers mean in gRPC (google/rpc/code.proto). */
const codeOfStatus: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  409: 10,
  413: 3,
  429: 8,
  499: 1,
  500: 13,
  501: 12,
  503: 14,
  504: 4,
};

export function judgeGcp({ status }: Complaint): Verdict {
  switch (names[status]) {
    case "RESOURCE_EXHAUSTED":
    case "UNAVAILABLE":
      return { type: "retry", everybody: true };
    case "CANCELLED":
    case "UNKNOWN":
    case "DEADLINE_EXCEEDED":
    case "ABORTED":
    case "INTERNAL":
      return { type: "retry", everybody: false };
    case "INVALID_ARGUMENT":
    case "OUT_OF_RANGE":
      return {
        type: "refuse",
        remedy: 'Check the records, "resource" and "labels".',
        divisible: true,
      };
    case "UNAUTHENTICATED":
      return {
        type: "refuse",
        remedy: `Check ${optionName("keyFile")} or "credentials", or what the environment gives.`,
      };
    case "PERMISSION_DENIED":
      return {
        type: "refuse",
        remedy: "Give the account the role Logs Writer (roles/logging.logWriter) in the project.",
      };
    case "NOT_FOUND":
      return { type: "refuse", remedy: `Check ${optionName("projectId")}.` };
    default:
      return { type: "refuse", remedy: "Replay the deliveries when it is mended." };
  }
}

/** Whatever the client threw for a whole call. */
export function toGcpFailure(error: unknown, where: Where): HookError {
  const status = codeOf(error);
  if (status === undefined) return toUnanswered(error, where);
  const complaint = {
    status,
    code: names[status],
    message: detailsOf(error),
    retryAfterMs: retryDelayOf(error),
  };
  return toFailure(complaint, judgeGcp(complaint), where);
}

/**
 * What became of each entry where some could not be written: those that are not named are. Undefined where the error
 * names none, and then nothing was written.
 */
export function toGcpOutcomes(
  error: unknown,
  ids: readonly string[],
  where: Where,
): readonly RecordOutcome[] | undefined {
  const errors = partialErrorsOf(error);
  if (errors === undefined) return undefined;
  return ids.map((id, index) => {
    const status: unknown = Reflect.get(errors, String(index));
    if (status === undefined) return undefined;
    const code: unknown = Reflect.get(Object(status), "code");
    const message: unknown = Reflect.get(Object(status), "message");
    const complaint = {
      status: typeof code === "number" ? code : 2,
      code: names[typeof code === "number" ? code : 2],
      message: `entry ${id}: ${String(message ?? "")}`,
    };
    return toFailure(complaint, judgeGcp(complaint), where);
  });
}

/** The same as a whole call's, of an answer as a route test gives it. */
export function givenGcpComplaint({ status, body }: GivenAnswer): Complaint {
  const name = fieldOf(body, "error", "status");
  const known = names.indexOf(name ?? "");
  const code = known >= 0 ? known : (codeOfStatus[status] ?? (status >= 500 ? 13 : 9));
  return { status: code, code: names[code], message: fieldOf(body, "error", "message") };
}

function partialErrorsOf(error: unknown): object | undefined {
  const details: unknown = Reflect.get(Object(error), "statusDetails");
  for (const detail of Array.isArray(details) ? details : []) {
    const errors: unknown = Reflect.get(Object(detail), "logEntryErrors");
    if (typeof errors === "object" && errors !== null && Object.keys(errors).length > 0)
      return errors;
  }
  return undefined;
}

/** RetryInfo of google/rpc/error_details.proto. */
function retryDelayOf(error: unknown): number | undefined {
  const details: unknown = Reflect.get(Object(error), "statusDetails");
  for (const detail of Array.isArray(details) ? details : []) {
    const delay: unknown = Reflect.get(Object(detail), "retryDelay");
    const seconds = Number(Reflect.get(Object(delay), "seconds") ?? 0);
    const nanos = Number(Reflect.get(Object(delay), "nanos") ?? 0);
    const ms = seconds * 1000 + nanos / 1e6;
    if (ms > 0) return Math.ceil(ms);
  }
  return undefined;
}

function codeOf(error: unknown): number | undefined {
  const code: unknown = Reflect.get(Object(error), "code");
  return typeof code === "number" && names[code] !== undefined ? code : undefined;
}

/** Without the number and the name that gRPC puts before it. */
function detailsOf(error: unknown): string | undefined {
  const details: unknown = Reflect.get(Object(error), "details");
  if (typeof details === "string") return details;
  return error instanceof Error ? error.message.replace(/^\d+ [A-Z_]+: /, "") : undefined;
}
