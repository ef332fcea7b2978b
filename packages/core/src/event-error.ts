import { messageOf } from "./errors.ts";
import type { EventError, Severity } from "./event.ts";
import { jsonBytes } from "./json.ts";

const mostCauses = 10;
/** In characters. */
const longestText = 8192;
const longestName = 256;
/** Of an error as JSON: so it never makes an event larger than the usual 256 KiB by itself. */
const mostBytes = 196_608;
/** What a control character takes as JSON. */
const mostBytesOfCharacter = 6;

/**
 * An error as an event carries it: class, message, code, stack, and the chain of causes, nearest first. Of long texts the
 * first 8,192 characters are kept, fewer where all have more than 192 KiB together; of the causes the first ten.
 */
export function toEventError(thrown: unknown, severity: Severity = "ERROR"): EventError {
  try {
    return readError(thrown, severity);
  } catch {
    // Getters can throw, and an error must not hide behind another one.
    return { class: typeof thrown, message: "an error that cannot be read", severity };
  }
}

/** The same error with its texts cut, so that it has at most so many bytes as JSON, as far as that goes. */
export function shortenError(error: EventError, most: number): EventError {
  let shorter = error;
  for (let longest = longestText / 2; longest > 8 && jsonBytes(shorter) > most; longest /= 2) {
    shorter = cutTexts(error, longest);
  }
  return jsonBytes(shorter) < jsonBytes(error) ? shorter : error;
}

function charactersOf({ message, stack = "", causes = [] }: EventError): number {
  return causes.reduce((sum, cause) => sum + cause.message.length, message.length + stack.length);
}

function cutTexts(error: EventError, longest: number): EventError {
  const { message, stack, causes } = error;
  return {
    ...error,
    message: shorten(message, longest),
    ...(stack !== undefined && { stack: shorten(stack, longest) }),
    ...(causes !== undefined && {
      causes: causes.map((cause) => ({ ...cause, message: shorten(cause.message, longest) })),
    }),
  };
}

function readError(thrown: unknown, severity: Severity): EventError {
  if (!(thrown instanceof Error)) {
    return { class: typeof thrown, message: shorten(describe(thrown)), severity };
  }
  const code: unknown = Reflect.get(thrown, "code");
  const causes = causesOf(thrown);
  const error: EventError = {
    class: classOf(thrown),
    message: shorten(messageOf(thrown)),
    ...((typeof code === "string" || typeof code === "number") && {
      code: shorten(String(code), longestName),
    }),
    severity,
    ...(typeof thrown.stack === "string" && { stack: shorten(thrown.stack) }),
    ...(causes.length > 0 && { causes }),
  };
  const isShort = charactersOf(error) * mostBytesOfCharacter <= mostBytes;
  return isShort ? error : shortenError(error, mostBytes);
}

function causesOf(error: Error): { class?: string; message: string }[] {
  const causes: { class?: string; message: string }[] = [];
  const seen = new Set<unknown>([error]);
  const waiting: unknown[] = directCauses(error);
  while (waiting.length > 0 && causes.length < mostCauses) {
    const cause = waiting.shift();
    if (seen.has(cause)) continue;
    seen.add(cause);
    if (cause instanceof Error) {
      causes.push({ class: classOf(cause), message: shorten(messageOf(cause)) });
      waiting.unshift(...directCauses(cause));
    } else {
      causes.push({ message: shorten(describe(cause)) });
    }
  }
  return causes;
}

function directCauses(error: Error): unknown[] {
  const several: readonly unknown[] =
    error instanceof AggregateError && Array.isArray(error.errors) ? error.errors : [];
  return error.cause === undefined || error.cause === null
    ? [...several]
    : [error.cause, ...several];
}

function classOf(error: Error): string {
  const named: unknown = error.name;
  if (typeof named === "string" && named !== "" && named !== "Error") {
    return shorten(named, longestName);
  }
  const made: unknown = error.constructor?.name;
  return typeof made === "string" && made !== "" ? shorten(made, longestName) : "Error";
}

function describe(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return messageOf(thrown);
  try {
    return JSON.stringify(thrown) ?? "an object";
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

/** The first so many characters, and `…` where there are more. */
export function shorten(text: string, longest: number = longestText): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
