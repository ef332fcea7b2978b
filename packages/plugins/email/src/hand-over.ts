import {
  type Delivery,
  delivered,
  HookError,
  type JsonValue,
  type Logger,
  type Outcome,
} from "@pipehooks/core";
import { toFailure, type Where } from "./failure.ts";
import type { Mail } from "./message.ts";
import { addressKey, type Progress, readProgress } from "./recipients.ts";
import { isSignInStatus, judgeReply } from "./reply.ts";
import { refusalsOf } from "./smtp-transport.ts";
import type { Refusal, Sent, Transport } from "./transport.ts";

/** One attempt at a mail. */
export type HandOver = (
  mail: Mail,
  delivery: Delivery,
) => Promise<{ readonly outcome: Outcome; readonly messageId: string | undefined }>;

/** Addresses that a message shows. */
const mostShown = 5;
const longestReply = 300;

/**
 * Hands a mail to those who have not got it yet: what became of each address is kept with the delivery, so after partial
 * acceptance nobody gets it twice, restarts in between included.
 */
export function createHandOver({
  transport,
  where,
  logger,
}: {
  readonly transport: Transport;
  readonly where: Where;
  readonly logger: Logger;
}): HandOver {
  const { hook, server, redact } = where;

  const send = async (mail: Mail, addresses: readonly string[], signal: AbortSignal) => {
    try {
      signal.throwIfAborted();
      return await transport.send(mail, addresses, signal);
    } catch (error) {
      const refused = refusalsOf(Object(error));
      // All of them were refused, each for a reason of its own; with fewer of them it is the mail that failed.
      if (refused.length >= addresses.length && !refused.every(wantsSignIn))
        return { accepted: [], refused, response: "" } satisfies Sent;
      throw toFailure(error, where, signal);
    }
  };

  const replyOf = ({ response }: Refusal): string =>
    redact(response.replace(/\s+/g, " ")).slice(0, longestReply);

  return async (mail, delivery) => {
    const { addresses } = mail.recipients;
    const before = readProgress(delivery.state);
    const todo = addresses.filter((address) => !isDone(before, address));
    const sent: Sent =
      todo.length === 0
        ? { accepted: [], refused: [], response: "" }
        : await send(mail, todo, delivery.signal);
    const after = advance(before, sent, replyOf);
    // Addresses as they were written, with what was said of them; the store has no more than their hashes.
    const refused = addresses.flatMap((address) => {
      const reply = after.refused[addressKey(address)];
      return reply === undefined ? [] : `${redact(address)}: ${reply}`;
    });
    const putOff = sent.refused.filter(({ permanent }) => !permanent);
    if (putOff.length > 0) {
      const words = putOff.map((each) => `${redact(each.address)}: ${replyOf(each)}`);
      throw toPutOff({ hook, server, putOff, words, refused, after, count: addresses.length });
    }
    if (after.accepted.length === 0) {
      throw new HookError(
        "RECEIVER_REFUSED",
        `${hook}: ${server} takes no mail for anybody of it (${list(refused)}). Check the addresses, and replay the delivery.`,
        { answer: answerOf(sent.refused[0]?.status, refused.join("\n")) },
      );
    }
    if (refused.length > 0) {
      const message = `${hook}: the mail of event ${delivery.event.id} did not reach ${refused.length} of ${addresses.length} recipients, and never will: ${list(refused)}.`;
      logger.warn(message);
    }
    const text = [redact(sent.response), ...refused.map((each) => `refused ${each}`)]
      .filter((line) => line !== "")
      .join("\n");
    return {
      outcome: delivered(answerOf(statusOf(sent.response), text)),
      messageId: sent.messageId,
    };
  };
}

function wantsSignIn({ status }: Refusal): boolean {
  return status !== undefined && isSignInStatus(status);
}

function toPutOff(parts: {
  readonly hook: string;
  readonly server: string;
  readonly putOff: readonly Refusal[];
  readonly words: readonly string[];
  readonly refused: readonly string[];
  readonly after: Progress;
  readonly count: number;
}): HookError {
  const { hook, server, putOff, words, refused, after, count } = parts;
  const have = after.accepted.length;
  const rest = have === 0 ? "" : ` ${have} of ${count} have it and will not get it again.`;
  const lost = refused.length === 0 ? "" : ` Refused for good: ${list(refused)}.`;
  const throttled = putOff.some(
    ({ status, response }) => judgeReply(status ?? 450, response).scope === "destination",
  );
  return new HookError(
    "RECEIVER_FAILED",
    `${hook}: ${server} puts off ${list(words)}.${rest}${lost}`,
    {
      retryable: true,
      scope: throttled ? "destination" : "delivery",
      answer: answerOf(putOff[0]?.status, [...words, ...refused].join("\n")),
      // Plain data: lists and texts.
      state: { accepted: [...after.accepted], refused: { ...after.refused } } satisfies JsonValue,
    },
  );
}

function isDone({ accepted, refused }: Progress, address: string): boolean {
  const key = addressKey(address);
  return accepted.includes(key) || Object.hasOwn(refused, key);
}

function advance(before: Progress, sent: Sent, replyOf: (refusal: Refusal) => string): Progress {
  const lost = sent.refused.filter(({ permanent }) => permanent);
  return {
    accepted: [...new Set([...before.accepted, ...sent.accepted.map(addressKey)])],
    refused: {
      ...before.refused,
      ...Object.fromEntries(lost.map((refusal) => [addressKey(refusal.address), replyOf(refusal)])),
    },
  };
}

function list(words: readonly string[]): string {
  const more = words.length - mostShown;
  const shown = words.slice(0, mostShown).map((each) => each.replace(/[.\s]+$/, ""));
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function answerOf(status: number | undefined, body: string) {
  return { ...(status !== undefined && { status }), body: body.slice(0, 2048) };
}

/** `250 2.0.0 Ok` begins with its status; an id of SES does not. */
function statusOf(response: string): number {
  const [, status] = /^(\d{3})[ -]/.exec(response) ?? [];
  return status === undefined ? 200 : Number(status);
}
