import { readFileSync, readlinkSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { UnknownLeases } from "@pipehooks/core";
import type { Ledger } from "./ledger.ts";
import { stateCodes } from "./states.ts";

const { waiting, retrying, pending, running } = stateCodes;

/** Who holds leases: the numbers that deliveries carry, and which of the processes behind them still live. */
export interface Owners {
  /** The number of an owner that holds leases up to `until`. */
  hold(name: string, until: number): number;
  /** The number of an owner that has claimed before. */
  find(name: string): number | undefined;
  /** Makes due at once, as if it had not been claimed, what an owner holds of these hooks; answers how much. */
  letGo(leases: UnknownLeases): number;
  /** Makes due at once what processes of this host held that have ended; looks every few seconds at most. */
  releaseDead(now: number): void;
  reset(): void;
}

const lookEveryMs = 2000;
/** Owners whose last lease ended so long ago are forgotten. */
const forgetAfterMs = 86_400_000;

export function prepareOwners(db: DatabaseSync, ledger: Ledger): Owners {
  const extend = db.prepare("UPDATE owners SET until = max(until, ?) WHERE id = ?");
  const add = db.prepare(
    "INSERT INTO owners (id, name, host, pid, started, until) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const find = db.prepare("SELECT id FROM owners WHERE name = ?");
  const others = db.prepare("SELECT id, host, pid, started, until FROM owners");
  const forget = db.prepare("DELETE FROM owners WHERE id = ?");
  const runningHooks = db.prepare(
    `SELECT hook FROM counters WHERE state = ${running} AND count > 0`,
  );
  const release = db.prepare(
    `UPDATE deliveries SET due = ?, owner = NULL
     WHERE hook = ? AND state <= 4 AND due > ? AND due <= ? AND state = ${running} AND owner = ?`,
  );
  const untilOf = db.prepare("SELECT until FROM owners WHERE id = ?");
  const letGo = db.prepare(
    `UPDATE deliveries SET due = ?, owner = NULL, attempts = attempts - 1,
       state = CASE WHEN resume IS NOT NULL THEN ${pending} WHEN attempts > 1 THEN ${retrying} ELSE ${waiting} END
     WHERE hook = ? AND state <= 4 AND due > ? AND due <= ? AND state = ${running} AND owner = ?
     RETURNING state`,
  );
  const own = readIdentity();
  const ids = new Map<string, number>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  function findId(name: string): number | undefined {
    const known = ids.get(name);
    if (known !== undefined) return known;
    const row = find.get(name);
    if (row === undefined) return undefined;
    ids.set(name, Number(row.id));
    return Number(row.id);
  }

  return {
    find: findId,
    hold(name, until) {
      const known = findId(name);
      if (known !== undefined && extend.run(until, known).changes === 1) return known;
      ledger.sequences.owner += 1;
      const id = ledger.sequences.owner;
      add.run(id, name, own.host, own.pid, own.started, until);
      ids.set(name, id);
      return id;
    },
    letGo({ owner, now, hooks }) {
      const id = findId(owner);
      const until = id === undefined ? undefined : untilOf.get(id)?.until;
      if (id === undefined || until === undefined) return 0;
      let count = 0;
      for (const name of hooks) {
        const hook = ledger.find(name);
        if (hook === undefined || ledger.count(hook, running) === 0) continue;
        const rows = letGo.all(now, hook, now, until, id);
        for (const { state } of rows) {
          ledger.tally(hook, running, -1);
          ledger.tally(hook, Number(state), 1);
        }
        count += rows.length;
      }
      return count;
    },
    releaseDead(now) {
      if (performance.now() - lookedAt < lookEveryMs) return;
      lookedAt = performance.now();
      for (const row of others.all()) {
        const id = Number(row.id);
        const until = Number(row.until);
        const dead = hasEnded(
          {
            host: row.host as string | null,
            pid: Number(row.pid),
            started: row.started as string | null,
          },
          own,
        );
        if (dead) {
          ledger.flush();
          for (const { hook } of runningHooks.all()) release.run(now, Number(hook), now, until, id);
        }
        if (dead || until < now - forgetAfterMs) forget.run(id);
      }
    },
    reset() {
      ids.clear();
    },
  };
}

interface Identity {
  /** This start of the machine and this namespace of process ids; null where it cannot be told. */
  readonly host: string | null;
  readonly pid: number;
  /** When the process started, in the kernel's ticks: tells it from a later one with the same id. */
  readonly started: string | null;
}

function readIdentity(): Identity {
  return { host: readHost(), pid: process.pid, started: readStat(process.pid)?.started ?? null };
}

function readHost(): string | null {
  if (process.platform !== "linux") return null;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return null;
  }
}

/** True only when it is certain: same host, and the process with that id is none or another one. */
function hasEnded(owner: Identity, own: Identity): boolean {
  if (owner.host === null || owner.host !== own.host) return false;
  const stat = readStat(owner.pid);
  return stat === undefined || stat.started !== owner.started || /[ZX]/.test(stat.state);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; undefined when there is no such process. */
function readStat(pid: number): { readonly state: string; readonly started: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The command's name, in parentheses, may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", started: fields[19] ?? "" };
}
