import { HookError, type HookErrorOptions } from "@pipehooks/core";

/** What a server's reply means for who got it. */
export interface Judgement {
  readonly permanent: boolean;
  readonly scope: NonNullable<HookErrorOptions["scope"]>;
  readonly retryAfterMs?: number | undefined;
}

/** Replies to signing in, and those that ask for it (RFC 4954). */
const signInStatuses = new Set([530, 534, 535, 538]);

/** RFC 5321 section 4.2.1: 4yz may be otherwise later, 5yz not; 503 says that the session was in disorder. */
export function isPermanentStatus(status: number): boolean {
  return status >= 500 && status < 600 && status !== 503;
}

/** Whether a reply says that the credentials are wrong or missing. */
export function isSignInStatus(status: number): boolean {
  return signInStatuses.has(status);
}

/** Judges a reply to a mail or to a recipient. */
export function judgeReply(status: number, response: string): Judgement {
  if (isPermanentStatus(status)) return { permanent: true, scope: "delivery" };
  return { permanent: false, scope: isThrottling(status, response) ? "destination" : "delivery" };
}

/**
 * Whether the server cannot or will not take more from us for now (421, 4.7.x of RFC 3463); a recipient whose server makes
 * strangers wait (greylisting) says nothing of the others.
 */
function isThrottling(status: number, response: string): boolean {
  if (status === 421) return true;
  return /\b4\.7\.\d+\b/.test(response) && !/gr[ae]y-?list/i.test(response);
}

/** The hook is switched off, so that a wrong password is not tried with every event: mails wait until it is enabled. */
export function signInError(said: string, remedy: string, answer: HookErrorOptions["answer"]) {
  const message = `${said}. ${remedy}, then enable the hook and replay this delivery`;
  return new HookError("RECEIVER_REFUSED", `${message}.`, { scope: "gone", answer });
}
