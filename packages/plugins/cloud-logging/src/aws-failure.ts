import { type GivenAnswer, type HookError, optionName, parseRetryAfter } from "@pipehooks/core";
import { fieldOf } from "./cloud.ts";
import {
  type Complaint,
  judgeStatus,
  toFailure,
  toUnanswered,
  toUnknownSelf,
  type Verdict,
  type Where,
} from "./failure.ts";

/** Names under which AWS says: slower. */
const throttled =
  /^(?:Throttling(?:Exception)?|ThrottledException|TooManyRequests(?:Exception)?|RequestLimitExceeded|LimitExceededException|ServiceUnavailable(?:Exception)?|SlowDown)$/;
/** Credentials that are renewed by themselves, and clocks that are. */
const passing =
  /^(?:ExpiredToken(?:Exception)?|RequestExpired|RequestTimeTooSkewed|OperationAbortedException)$/;
const noCredentials = /^(?:CredentialsProviderError|TokenProviderError)$/;

const credentials = `Check ${optionName("accessKeyId")} and ${optionName("secretAccessKey")}, or what the environment gives.`;
const permission = `Allow logs:PutLogEvents and logs:CreateLogStream; with ${optionName("createGroup")} logs:CreateLogGroup, with ${optionName("retentionDays")} logs:PutRetentionPolicy.`;

/** What an answer of CloudWatch Logs means, by its name and then by its status. */
export function judgeAws({ code = "", status }: Complaint): Verdict {
  if (throttled.test(code)) return { type: "retry", everybody: true };
  if (passing.test(code)) return { type: "retry", everybody: false };
  switch (code) {
    case "InvalidParameterException":
      return {
        type: "refuse",
        remedy: `Check ${optionName("logGroup")}, ${optionName("logStream")} and "entity", and the records.`,
        divisible: true,
      };
    case "ResourceNotFoundException":
      return {
        type: "refuse",
        remedy: `Make the group and the stream, or set ${optionName("createGroup")} and ${optionName("createStream")}.`,
      };
    case "AccessDeniedException":
      return { type: "refuse", remedy: permission };
    case "UnrecognizedClientException":
    case "InvalidClientTokenId":
    case "InvalidSignatureException":
    case "IncompleteSignature":
    case "MissingAuthenticationToken":
    case "MissingAuthenticationTokenException":
      return { type: "refuse", remedy: credentials };
    default:
      return judgeStatus(status, { 401: credentials, 403: permission });
  }
}

/** Whatever the client threw. */
export function toAwsFailure(error: unknown, where: Where, now: number): HookError {
  const complaint = awsComplaint(error, now);
  if (complaint !== undefined) return toFailure(complaint, judgeAws(complaint), where);
  if (error instanceof Error && noCredentials.test(error.name)) {
    return toUnknownSelf(error, `${credentials} Another attempt asks for them again.`, where);
  }
  return toUnanswered(error, where);
}

/** What AWS answered, if it did: what is no JSON comes as a SyntaxError that has the status. */
function awsComplaint(error: unknown, now: number): Complaint | undefined {
  const status: unknown = Reflect.get(
    Object(Reflect.get(Object(error), "$metadata")),
    "httpStatusCode",
  );
  if (!(error instanceof Error) || typeof status !== "number") return undefined;
  const isProse = error instanceof SyntaxError;
  return {
    status,
    code: isProse || error.name === "Unknown" ? undefined : error.name,
    message: isProse
      ? "something that is no JSON"
      : error.message === "UnknownError"
        ? undefined
        : error.message,
    retryAfterMs: hintOf(Reflect.get(Object(Reflect.get(error, "$response")), "headers"), now),
  };
}

/** The same, of an answer as a route test gives it. */
export function givenAwsComplaint({ status, headers, body }: GivenAnswer, now: number): Complaint {
  const type = fieldOf(body, "__type") ?? headers["x-amzn-errortype"];
  return {
    status,
    code: type?.replace(/^.*#/, "").replace(/:.*$/, ""),
    message: fieldOf(body, "message") ?? fieldOf(body, "Message"),
    retryAfterMs: hintOf(headers, now),
  };
}

/** The group is not there, or the stream. */
export function isMissing(error: unknown): boolean {
  return nameOf(error) === "ResourceNotFoundException";
}

/** Somebody else made it, or is about to. */
export function isAlreadyThere(error: unknown): boolean {
  const name = nameOf(error);
  return name === "ResourceAlreadyExistsException" || name === "OperationAbortedException";
}

/** Whoever asks is known, and may not. */
export function isDenied(error: unknown): boolean {
  return nameOf(error) === "AccessDeniedException";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

function hintOf(headers: unknown, now: number): number | undefined {
  const ms = Number(Reflect.get(Object(headers), "x-amz-retry-after") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const seconds: unknown = Reflect.get(Object(headers), "retry-after");
  return typeof seconds === "string" ? parseRetryAfter(seconds, now) : undefined;
}
