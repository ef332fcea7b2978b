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

/** A credential that found nothing to sign in with. */
const noCredentials =
  /^(?:CredentialUnavailableError|AuthenticationRequiredError|AggregateAuthenticationError)$/;

const credentials = `Check ${optionName("tenantId")}, ${optionName("clientId")} and ${optionName("clientSecret")}, or what the environment gives.`;
const remedies: Readonly<Record<number, string>> = {
  401: credentials,
  403: 'Give the identity the role "Monitoring Metrics Publisher" on the data collection rule; that takes up to half an hour to hold. Replay the deliveries then.',
  404: 'Check "endpoint", "dcr" and "stream".',
};

/** What an answer of Logs Ingestion means. */
export function judgeAzure({ status }: Complaint): Verdict {
  if (status === 400) {
    return {
      type: "refuse",
      remedy: 'Check "stream", and the records against its columns.',
      divisible: true,
    };
  }
  return judgeStatus(status, remedies);
}

/** Whatever the client threw for one request. */
export function toAzureFailure(error: unknown, where: Where, now: number): HookError {
  const refusal = signInRefusal(error);
  if (refusal !== undefined) {
    const verdict = { type: "refuse", remedy: credentials } as const;
    return toFailure(refusal, verdict, { ...where, store: "Microsoft Entra ID" });
  }
  if (error instanceof Error && noCredentials.test(error.name)) {
    const remedy = `${credentials} Behind a proxy or with ${optionName("authorityHost")}, check "ca". Another attempt asks again.`;
    return toUnknownSelf(error, remedy, where);
  }
  const complaint = azureComplaint(error, now);
  return complaint === undefined
    ? toUnanswered(error, where)
    : toFailure(complaint, judgeAzure(complaint), where);
}

/** What Microsoft Entra ID said no with, if it did: there it knows no such client, or not by this secret. */
function signInRefusal(error: unknown): Complaint | undefined {
  if (!(error instanceof Error) || !noCredentials.test(error.name)) return undefined;
  const cause: unknown = Reflect.get(error, "cause");
  const code: unknown = Reflect.get(Object(cause), "errorCode");
  const status: unknown = Reflect.get(Object(cause), "status");
  if (typeof code !== "string" || (status !== 400 && status !== 401)) return undefined;
  return { status, code, message: /AADSTS.*?(?= - Correlation|$)/.exec(error.message)?.[0] };
}

function azureComplaint(error: unknown, now: number): Complaint | undefined {
  const status: unknown = Reflect.get(Object(error), "statusCode");
  if (!(error instanceof Error) || typeof status !== "number") return undefined;
  const code: unknown = Reflect.get(error, "code");
  const headers: unknown = Reflect.get(Object(Reflect.get(error, "response")), "headers");
  return {
    status,
    code: typeof code === "string" ? code : undefined,
    message: error.message,
    retryAfterMs: hintOf((name) => headerOf(headers, name), now),
  };
}

/** The same, of an answer as a route test gives it. */
export function givenAzureComplaint(
  { status, headers, body }: GivenAnswer,
  now: number,
): Complaint {
  return {
    status,
    code: fieldOf(body, "error", "code"),
    message: fieldOf(body, "error", "message"),
    retryAfterMs: hintOf((name) => headers[name], now),
  };
}

function headerOf(headers: unknown, name: string): string | undefined {
  const get: unknown = Reflect.get(Object(headers), "get");
  const value: unknown = typeof get === "function" ? get.call(headers, name) : undefined;
  return typeof value === "string" ? value : undefined;
}

function hintOf(header: (name: string) => string | undefined, now: number): number | undefined {
  const ms = header("retry-after-ms") ?? header("x-ms-retry-after-ms");
  if (ms !== undefined && /^\d+$/.test(ms)) return Number(ms);
  return parseRetryAfter(header("retry-after"), now);
}
