import { resolve } from "node:path";
import { HookError } from "@pipehooks/core";
import type { DatabaseOptions } from "./database.ts";

export interface SqliteStoreOptions {
  /** The file; it and its folder are made when missing. Beside it lie `-wal` and `-shm` while it is open. */
  path: string;
  /**
   * `full`: what was accepted survives the loss of power, by an fsync a group of calls. `normal`: it survives the end
   * of every process, but a loss of power may take the last moments; several times faster on slow disks.
   * @default "full"
   */
  durability?: "full" | "normal" | undefined;
  /**
   * Whether SQLite runs in a thread of its own, so that no fsync holds up the caller's event loop. `false` starts
   * sooner: for processes that emit a few events and end.
   * @default true
   */
  worker?: boolean | undefined;
  /** Milliseconds that a call waits for other processes that write, before STORE_BUSY. @default 30_000 */
  busyTimeoutMs?: number | undefined;
  /** Bytes up to which the file may grow, before STORE_FULL. @default no bound but the disk's */
  maxBytes?: number | undefined;
}

const keys = ["path", "durability", "worker", "busyTimeoutMs", "maxBytes"];

/** @throws HookError CONFIG_INVALID, naming all that is wrong */
export function parseOptions(
  options: SqliteStoreOptions,
): DatabaseOptions & { readonly worker: boolean } {
  const { path, durability = "full", worker = true, busyTimeoutMs = 30_000, maxBytes } = options;
  const wrong = Object.keys(options)
    .filter((key) => !keys.includes(key))
    .map((key) => `${key} is not an option (${keys.join(", ")} are)`);
  if (typeof path !== "string" || path === "") wrong.push("path must be the path of a file");
  else if (path === ":memory:")
    wrong.push("path must be a file; use the memory store to keep nothing");
  if (durability !== "full" && durability !== "normal")
    wrong.push('durability must be "full" or "normal"');
  if (typeof worker !== "boolean") wrong.push("worker must be true or false");
  if (!Number.isFinite(busyTimeoutMs) || busyTimeoutMs < 0)
    wrong.push("busyTimeoutMs must be 0 or more");
  if (maxBytes !== undefined && (!Number.isSafeInteger(maxBytes) || maxBytes < 1024 * 1024)) {
    wrong.push("maxBytes must be at least 1048576");
  }
  if (wrong.length > 0) throw new HookError("CONFIG_INVALID", `sqlite: ${wrong.join("; ")}.`);
  return { path: resolve(path), durability, worker, busyTimeoutMs, maxBytes: maxBytes ?? null };
}
