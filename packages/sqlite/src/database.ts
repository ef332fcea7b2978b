import { existsSync, mkdirSync, readFileSync, realpathSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreFault } from "./fault.ts";
import { mountTypeOf, networkFileSystem } from "./network-file-system.ts";
import { migrate } from "./schema.ts";

/** What the engine's side needs to know; plain, because it crosses into the worker. */
export interface DatabaseOptions {
  /** Absolute. */
  readonly path: string;
  readonly durability: "full" | "normal";
  readonly busyTimeoutMs: number;
  readonly maxBytes: number | null;
}

/**
 * 4 KiB: the log takes whole pages, and most changes are of a few rows here and there, so larger ones write more (webhooks go 4%
 * slower with 8 KiB, a drain 10%). Seven events of 500 bytes fill one, which leaves 7% unused.
 */
const pageBytes = 4096;
/** 8 MiB of log: a checkpoint then takes a few milliseconds. */
const checkpointPages = 2048;
const cacheKiB = 4096;
/** A log that many readers made longer is cut back to this. */
const logBytes = 32 * 1024 * 1024;

/** Opens the file, makes it and its folder where missing, and brings its tables up to date. */
export function openDatabase({ path, durability, maxBytes }: DatabaseOptions): DatabaseSync {
  refuseOldSqlite();
  makeFolder(dirname(path));
  refuseNetwork(path);
  // No busy timeout of SQLite's own: who waits for the lock sleeps outside of it, without blocking a thread.
  const db = new DatabaseSync(path, { timeout: 0, allowExtension: false });
  try {
    db.exec(`PRAGMA page_size = ${pageBytes}`);
    const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
    if (mode !== "wal") {
      throw new StoreFault(
        "STORE_UNWRITABLE",
        `sqlite: ${path} cannot be written with a write-ahead log. Put the store on a local disk.`,
      );
    }
    db.exec(`
      PRAGMA synchronous = ${durability};
      PRAGMA wal_autocheckpoint = ${checkpointPages};
      PRAGMA journal_size_limit = ${logBytes};
      PRAGMA cache_size = -${cacheKiB};
    `);
    migrate(db, path);
    if (maxBytes !== null) limitSize(db, maxBytes);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Node 23 ended before its node:sqlite had what that of Node 22 has, `setReturnArrays` and `isTransaction` among it: without
 * the one most calls fail, and without the other what they began is not undone.
 */
function refuseOldSqlite(): void {
  if ("setReturnArrays" in StatementSync.prototype) return;
  throw new StoreFault(
    "CONFIG_INVALID",
    `sqlite: the node:sqlite of Node ${process.versions.node} lacks what the store needs. ` +
      "Use Node 22 from 22.19 on, or Node 24 or newer.",
  );
}

/** Not `recursive: true`, which never ends where a folder exists that takes no folders, such as `/proc`. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (!existsSync(dirname(folder))) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) throw error;
  }
}

function limitSize(db: DatabaseSync, maxBytes: number): void {
  const size = Number(db.prepare("PRAGMA page_size").get()?.page_size);
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / size))}`);
}

function refuseNetwork(path: string): void {
  const name = findNetwork(dirname(path));
  if (name === undefined) return;
  throw new StoreFault(
    "STORE_NETWORK_FILE_SYSTEM",
    `sqlite: ${path} is on a network file system (${name}), where SQLite's locks do not hold. ` +
      "Put the store on a local disk.",
  );
}

function findNetwork(folder: string): string | undefined {
  if (process.platform === "win32")
    return /^\\\\[^?.\\]/.test(folder) ? "a network share" : undefined;
  if (process.platform !== "linux") return undefined;
  const { type } = statfsSync(folder);
  return networkFileSystem(type, mountTypeOf(realpathSync(folder), readMounts()));
}

function readMounts(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return "";
  }
}
