import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { ErrorCode } from "@pipehooks/core";

/** What a HookError is made of; plain, so that it crosses from the worker, which does not load core. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** A {@link Fault} on its way up the stack. */
export class StoreFault extends Error implements Fault {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Whether another connection holds the lock, SQLITE_BUSY or SQLITE_LOCKED. */
export function isBusy(thrown: unknown): boolean {
  const primary = resultCode(thrown);
  return primary === 5 || primary === 6;
}

/** Whether a row is there already, SQLITE_CONSTRAINT. */
export function isConstraint(thrown: unknown): boolean {
  return resultCode(thrown) === 19;
}

/** Explains anything that SQLite or the file system threw; result codes: https://sqlite.org/rescode.html. */
export function toFault(thrown: unknown, path: string): StoreFault {
  if (thrown instanceof StoreFault) return thrown;
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  const cause = { cause: thrown };
  switch (resultCode(thrown)) {
    case 5:
    case 6:
      return busy(path, 0);
    case 3:
    case 8:
    case 14:
    case 23:
      if (isDiskFull(path)) return full(path, thrown);
      return unwritable(path, said, thrown);
    case 10:
      if (isDiskFull(path)) return full(path, thrown);
      return new StoreFault(
        "STORE_FAILED",
        `sqlite: ${path}: reading or writing failed (${said}). Check the disk and the system log.`,
        { ...cause, retryable: true },
      );
    case 11:
    case 26:
      return new StoreFault(
        "STORE_CORRUPT",
        `sqlite: ${path} is damaged or not a database (${said}). Stop every process that uses it, keep a copy, ` +
          `save what is readable with: sqlite3 ${path} .recover | sqlite3 recovered.db; or move the file ` +
          "away (with its -wal and -shm files) to start with an empty store.",
        cause,
      );
    case 13:
      return full(path, thrown);
    default:
      return isSystemError(thrown)
        ? unwritable(path, said, thrown)
        : new StoreFault("STORE_FAILED", `sqlite: ${path}: ${said}.`, cause);
  }
}

export function busy(path: string, waitedMs: number): StoreFault {
  return new StoreFault(
    "STORE_BUSY",
    `sqlite: ${path} was locked by other processes for ${waitedMs} ms. Try again, or raise busyTimeoutMs.`,
    { retryable: true },
  );
}

function full(path: string, cause: unknown): StoreFault {
  return new StoreFault(
    "STORE_FULL",
    `sqlite: there is no room for ${path} to grow. Free disk space or raise maxBytes; what was accepted is kept.`,
    { retryable: true, cause },
  );
}

function unwritable(path: string, said: string, cause: unknown): StoreFault {
  return new StoreFault(
    "STORE_UNWRITABLE",
    `sqlite: ${path} cannot be opened for writing (${said}). ` +
      "The file, and the folder it is in, must be writable for this user.",
    { cause },
  );
}

function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const code: unknown = Reflect.get(thrown, "errcode");
  return typeof code === "number" ? code & 0xff : undefined;
}

function isSystemError(thrown: unknown): boolean {
  return thrown instanceof Error && typeof Reflect.get(thrown, "syscall") === "string";
}

function isDiskFull(path: string): boolean {
  try {
    return statfsSync(dirname(path)).bavail === 0;
  } catch {
    return false;
  }
}
