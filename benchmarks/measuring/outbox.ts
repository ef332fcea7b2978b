import { DatabaseSync } from "node:sqlite";

/** The least that a durable outbox does: one row an event in SQLite, fsync at each commit. */
export interface Outbox {
  /** Resolves with the row's id when it is on the disk. */
  add(body: string): Promise<number>;
  /** Removes a row; resolves when that is on the disk. */
  settle(id: number): Promise<void>;
  close(): void;
}

/** `group` puts all of one turn of the event loop into one commit; else each has its own. */
export function openOutbox(path: string, commits: "group" | "each"): Outbox {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE outbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  const insert = db.prepare("INSERT INTO outbox (body) VALUES (?)");
  const remove = db.prepare("DELETE FROM outbox WHERE id = ?");
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  let waiting: (() => () => void)[] = [];

  const write = () => {
    const group = waiting;
    waiting = [];
    begin.run();
    const done = group.map((work) => work());
    commit.run();
    for (const resolve of done) resolve();
  };
  const later = <Result>(work: () => Result): Promise<Result> =>
    new Promise((resolve) => {
      waiting.push(() => {
        const result = work();
        return () => resolve(result);
      });
      if (waiting.length === 1) setImmediate(write);
    });
  const now = async <Result>(work: () => Result): Promise<Result> => work();
  const run = commits === "group" ? later : now;

  return {
    add: (body) => run(() => Number(insert.run(body).lastInsertRowid)),
    settle: (id) => run(() => void remove.run(id)),
    close: () => db.close(),
  };
}
