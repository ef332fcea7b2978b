import type { DatabaseSync } from "node:sqlite";
import { StoreFault } from "./fault.ts";

/** Marks the file as ours, https://sqlite.org/pragma.html#pragma_application_id: "PHks". */
const applicationId = 0x50486b73;

/**
 * Each entry takes the file from the version of its position to the next; entries are never changed once released.
 *
 * What saves bytes and writes: names are numbers; ids that are UUIDs are 16 bytes; the deliveries of an event
 * have consecutive ids, so the event says where they are and needs no index; `due` is when a delivery is due,
 * while it is leased the end of the lease (so an expired one is due again by itself), and once it is settled
 * when that was; `since` is when it was replayed or released; `losses` is null for none. There is no auto_vacuum: free pages are used again, and moving pages would cost every commit.
 *
 * Of a delivery that a gate made, `gate` is the key, `event` the first of its events, and all of them are in `members`; how
 * many they are stands in `gated` once they are more than one or were released, and in `gates` while they are gathered.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE sequences (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    memory INTEGER NOT NULL,
    events INTEGER NOT NULL
  );
  INSERT INTO sequences VALUES (1, 0, 0, 0, 0, 0);
  CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id NOT NULL,
    source INTEGER NOT NULL,
    type INTEGER NOT NULL,
    pipeline INTEGER,
    at INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    body TEXT NOT NULL
  );
  CREATE UNIQUE INDEX events_id ON events (id, source);
  CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL,
    hook INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    owner INTEGER,
    order_key TEXT,
    since INTEGER,
    reason TEXT,
    resume TEXT
  );
  CREATE INDEX deliveries_due ON deliveries (hook, due) WHERE state <= 4;
  CREATE INDEX deliveries_ordered ON deliveries (hook, order_key) WHERE order_key IS NOT NULL AND state <= 5;
  CREATE INDEX deliveries_dead ON deliveries (state) WHERE state = 8;
  CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    n INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    message TEXT,
    answer TEXT,
    PRIMARY KEY (delivery, n)
  ) WITHOUT ROWID;
  CREATE TABLE counters (
    hook INTEGER NOT NULL,
    state INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hook, state)
  ) WITHOUT ROWID;
  CREATE TABLE memory (
    key TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    value TEXT NOT NULL,
    blocked_until INTEGER
  );
  CREATE TABLE owners (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    host TEXT,
    pid INTEGER NOT NULL,
    started TEXT,
    until INTEGER NOT NULL
  );
  `,
  `
  ALTER TABLE deliveries ADD COLUMN gate TEXT;
  CREATE TABLE gated (delivery INTEGER PRIMARY KEY, count INTEGER NOT NULL, release TEXT);
  CREATE TABLE members (
    delivery INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (delivery, event)
  ) WITHOUT ROWID;
  CREATE INDEX members_event ON members (event);
  CREATE TABLE gates (
    id INTEGER PRIMARY KEY,
    hook INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    wake INTEGER,
    keep INTEGER,
    delivery INTEGER,
    gathered INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX gates_key ON gates (hook, key);
  CREATE INDEX gates_wake ON gates (hook, wake);
  CREATE INDEX gates_kept ON gates (keep) WHERE keep IS NOT NULL;
  CREATE TABLE unrouted (event INTEGER PRIMARY KEY);
  `,
  "ALTER TABLE deliveries ADD COLUMN losses INTEGER",
];

/** Version of the tables that this code reads and writes. */
const schemaVersion: number = migrations.length;

/**
 * Brings the file to {@link schemaVersion}; safe while other processes open it too.
 * @throws StoreFault STORE_TOO_NEW, CONFIG_INVALID
 */
export function migrate(db: DatabaseSync, path: string): void {
  if (readVersionAtOnce(db, path) === schemaVersion) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been first while this one waited for the lock.
    for (const step of migrations.slice(readVersion(db, path))) db.exec(step);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** In one transaction: another process may make the tables while this one reads. */
function readVersionAtOnce(db: DatabaseSync, path: string): number {
  db.exec("BEGIN");
  try {
    return readVersion(db, path);
  } finally {
    db.exec("COMMIT");
  }
}

function readVersion(db: DatabaseSync, path: string): number {
  const version = pragma(db, "user_version");
  const ours = pragma(db, "application_id") === applicationId;
  if (!ours && (version > 0 || hasTables(db))) {
    throw new StoreFault(
      "CONFIG_INVALID",
      `sqlite: ${path} is a database of another program. Choose another path for the store.`,
    );
  }
  if (version > schemaVersion) {
    throw new StoreFault(
      "STORE_TOO_NEW",
      `sqlite: ${path} has version ${version} of the tables; this version of @pipehooks/sqlite knows up to ` +
        `${schemaVersion}. Update @pipehooks/sqlite in the program that opens it.`,
    );
  }
  return version;
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function hasTables(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined;
}
