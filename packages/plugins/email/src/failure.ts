import { describeFailure, HookError, isHookError, messageOf, optionName } from "@pipehooks/core";
import { isPermanentStatus, isSignInStatus, judgeReply, signInError } from "./reply.ts";
import { toSesFailure } from "./ses-failure.ts";

/** Whose mail failed. */
export interface Where {
  readonly hook: string;
  /** Such as `smtp.example.com:587`. */
  readonly server: string;
  readonly redact: (text: string) => string;
}

/** What nodemailer says of a failure (nodemailer.com/errors). */
interface MailError {
  readonly code: string;
  readonly command: string;
  readonly status: number | undefined;
  readonly response: string;
  readonly originalCode: string;
  readonly timeoutType: string;
  readonly message: string;
}

/** A server that sends us away before a mail was offered will do so for a while. */
const turnedAwayMs = 900_000;
const longestReply = 400;

/** https://datatracker.ietf.org/doc/html/rfc6749#section-5.2, and that there is nothing to ask with. */
const tokenRefused =
  /invalid_(?:grant|client|request|scope)|unauthorized_client|unsupported_grant|access_denied|Can't (?:create|generate)/i;

/** A failure of a whole mail; of recipients see `refusalsOf`. */
export function toFailure(thrown: unknown, where: Where, signal: AbortSignal): HookError {
  if (isHookError(thrown)) return thrown;
  // Whatever it broke off with.
  if (signal.aborted) return toAborted(signal.reason, where);
  const error = readError(thrown, where);
  if (error.code === "ESES") return toSesFailure(thrown, where);
  const { hook, server } = where;
  const { code, status, response, command } = error;
  const said = `${hook}: ${server}`;
  const answer = status === undefined ? undefined : { status, body: response };
  const refused = (what: string) =>
    new HookError("RECEIVER_REFUSED", `${said} ${what}.`, { answer });
  const again = (what: string, options: { scope?: "destination"; retryAfterMs?: number } = {}) =>
    new HookError("RECEIVER_FAILED", `${said} ${what}.`, { retryable: true, answer, ...options });

  switch (code) {
    case "EAUTH":
    case "ENOAUTH":
    case "EOAUTH2":
      return toSignInFailure(error, where, answer);
    case "ETLS":
      if (status !== undefined ? status < 500 : /closed unexpectedly/.test(error.message)) {
        return again(`ended the change to TLS${reply(response)}`);
      }
      return refused(
        `cannot change to TLS${reply(response)}. Set "smtp.secure" where the port speaks TLS from the first byte, or ${optionName("smtp.allowPlain")} if mail may travel unencrypted`,
      );
    case "EPROTOCOL":
      if (status === undefined) return again(`answered something that is no SMTP`);
      // That is its policy towards us, not its word on this mail.
      return again(`turned us away${reply(response)}`, {
        scope: "destination",
        ...(status >= 500 && { retryAfterMs: turnedAwayMs }),
      });
    case "EENVELOPE":
    case "EMESSAGE": {
      if (status === undefined) return invalid(said, error.message);
      const what = `refused ${command === "MAIL FROM" ? "the sender" : "the mail"}${reply(response)}`;
      // Also to a mail a server may say that it wants to know who we are.
      if (isSignInStatus(status))
        return signInError(`${said} ${what}`, 'Check "smtp.auth"', answer);
      const { permanent, scope } = judgeReply(status, response);
      if (permanent) return refused(`${what}. ${remedyOf(command)}`);
      return again(what, scope === "destination" ? { scope } : {});
    }
    case "EMAXRECIPIENTS":
    case "EFILEACCESS":
    case "EURLACCESS":
    case "ESTREAM":
    case "ERR_ACCESS_DENIED":
      return invalid(said, error.message);
    case "ETIMEDOUT":
      return new HookError("TIMEOUT", `${said} ${timeoutText(error.timeoutType)}.`, {
        retryable: true,
      });
    case "ECONNECTION":
      if (status !== undefined) {
        return again(`closed the connection${reply(response)}`, { scope: "destination" });
      }
      return unreachable(
        `${said} closed the connection before it had answered. Whether it took the mail is not known; it is sent again with the same Message-ID`,
      );
    default:
      return toSocketFailure(error, said);
  }
}

/** What the signal says: core aborts with the error to throw, others with anything. */
function toAborted(reason: unknown, { hook, server }: Where): HookError {
  if (isHookError(reason)) return reason;
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  return isTimeout
    ? new HookError("TIMEOUT", `${hook}: ${server} did not take the mail in time.`, {
        retryable: true,
      })
    : new HookError("ABORTED", `${hook}: the mail to ${server} was aborted.`, { retryable: true });
}

function toSignInFailure(error: MailError, { hook, server }: Where, answer: HookError["answer"]) {
  const { code, command, status, response, message } = error;
  const said = `${hook}: ${server} does not let us sign in${reply(response || message)}`;
  // What went wrong on the way to the token has no reply of the mail server.
  const isToken = status === undefined && (code === "EOAUTH2" || command === "AUTH XOAUTH2");
  const later = isToken
    ? !tokenRefused.test(message)
    : status !== undefined && !isPermanentStatus(status);
  if (later) {
    return new HookError("RECEIVER_FAILED", `${said}.`, {
      retryable: true,
      scope: "destination",
      answer,
    });
  }
  return signInError(said, isToken ? 'Check "smtp.auth.oauth2"' : 'Check "smtp.auth"', answer);
}

function toSocketFailure(error: MailError, said: string): HookError {
  const { originalCode, code, message } = error;
  const cause = Object.assign(new Error(message), { code: originalCode || code });
  if (/^(?:ERR_SSL_|EPROTO$)/.test(originalCode)) {
    return new HookError(
      "RECEIVER_REFUSED",
      `${said} speaks another TLS than we do, or none (${originalCode}). Check "smtp.secure" and "smtp.port".`,
    );
  }
  const failure = describeFailure(cause, '"smtp.tls.ca"');
  const { retryable } = failure;
  return new HookError(failure.code, `${said} ${failure.what}.`, { retryable });
}

function unreachable(message: string): HookError {
  return new HookError("RECEIVER_UNREACHABLE", `${message}.`, { retryable: true });
}

function invalid(said: string, message: string): HookError {
  return new HookError("REQUEST_INVALID", `${said} cannot be given this mail: ${message}.`);
}

function remedyOf(command: string): string {
  if (command === "MAIL FROM") return 'Check "from": it may not be allowed for this account';
  return "Ask its operator, mend it, and replay the delivery";
}

function timeoutText(type: string): string {
  switch (type) {
    case "CONNECT_TIMEOUT":
      return "could not be connected to in time";
    case "GREETING_TIMEOUT":
      return "did not greet in time";
    case "UPGRADE_TIMEOUT":
      return "did not change to TLS in time";
    default:
      return "did not answer in time";
  }
}

function reply(response: string): string {
  return response === "" ? "" : `: ${response}`;
}

function readError(thrown: unknown, { redact }: Where): MailError {
  const fields = Object(thrown) as Partial<Record<keyof MailError | "responseCode", unknown>>;
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  // Redacted before it is cut, or half a secret would stay.
  const clean = (value: unknown) => redact(text(value)).replace(/\s+/g, " ").slice(0, longestReply);
  return {
    code: text(fields.code),
    command: text(fields.command),
    status: typeof fields.responseCode === "number" ? fields.responseCode : undefined,
    response: clean(fields.response).replace(/[.\s]+$/, ""),
    originalCode: text(fields.originalCode),
    timeoutType: text(fields.timeoutType),
    message: clean(messageOf(thrown)).replace(/[.\s]+$/, ""),
  };
}
