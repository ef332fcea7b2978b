import { describeFailure, failureCodeOf, HookError, messageOf } from "@pipehooks/core";
import type { Where } from "./failure.ts";
import { signInError } from "./reply.ts";

const longestText = 400;

/** What the SDK threw: `name` is the exception, `$metadata` has the status. */
export function toSesFailure(thrown: unknown, { hook, server, redact }: Where): HookError {
  const name = String(Reflect.get(Object(thrown), "name") ?? "");
  const metadata: unknown = Reflect.get(Object(thrown), "$metadata");
  const status: unknown = Reflect.get(Object(metadata), "httpStatusCode");
  const message = redact(messageOf(thrown)).replace(/\s+/g, " ").slice(0, longestText);
  if (typeof status !== "number") return toUnanswered(thrown, name, message, `${hook}: ${server}`);
  return judgeSes({ hook, server, status, name, message });
}

/** By status and exception, as the API of SES (version 2) names them. */
export function judgeSes(said: {
  readonly hook: string;
  readonly server: string;
  readonly status: number;
  readonly name: string;
  readonly message: string;
}): HookError {
  const { hook, server, status, name, message } = said;
  const text = `${hook}: ${server} answered ${status} ${name}: ${message.replace(/[.\s]+$/, "")}`;
  const answer = { status, body: message };
  if (status === 429 || /Throttl|TooManyRequests|LimitExceeded/.test(name)) {
    return new HookError("RECEIVER_FAILED", `${text}.`, {
      retryable: true,
      scope: "destination",
      answer,
    });
  }
  if (status >= 500 || status === 408) {
    return new HookError("RECEIVER_FAILED", `${text}.`, { retryable: true, answer });
  }
  if (status === 401 || status === 403) {
    return signInError(
      text,
      'Check "ses.credentials" and what they may do (ses:SendEmail)',
      answer,
    );
  }
  if (/SendingPaused|AccountSuspended/.test(name)) {
    return signInError(text, "SES lets this account send nothing: mend that", answer);
  }
  return new HookError("RECEIVER_REFUSED", `${text}. Mend it, and replay the delivery.`, {
    answer,
  });
}

function toUnanswered(thrown: unknown, name: string, message: string, said: string): HookError {
  if (name === "CredentialsProviderError") {
    // A machine's role may be out of reach for a moment.
    return new HookError("RECEIVER_FAILED", `${said} needs credentials: ${message}.`, {
      retryable: true,
      scope: "destination",
    });
  }
  if (/region is missing/i.test(message)) {
    return signInError(`${said}: ${message}`, 'Set "ses.region"', undefined);
  }
  if (name === "TimeoutError") {
    return new HookError("TIMEOUT", `${said} did not answer in time.`, { retryable: true });
  }
  const code = failureCodeOf(thrown);
  const cause = Object.assign(new Error(message), { code: code === "ESES" ? "" : code });
  const failure = describeFailure(cause);
  const { retryable } = failure;
  return new HookError(failure.code, `${said} ${failure.what}.`, { retryable });
}
