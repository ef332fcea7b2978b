import type { DatabaseSync } from "node:sqlite";
import { prepareAccept } from "./accept.ts";
import { type Answers, type Call, type Operations, readOperations } from "./calls.ts";
import { prepareClaim } from "./claim.ts";
import { type Fault, isBusy, toFault } from "./fault.ts";
import { createGateQueries } from "./gate-query.ts";
import type { PrepareGates } from "./gates.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { prepareMemory } from "./memory.ts";
import { once } from "./once.ts";
import { type Owners, prepareOwners } from "./owners.ts";
import { preparePurge } from "./purge.ts";
import { createQueries } from "./query.ts";
import { prepareRoute } from "./route.ts";
import { prepareExtend, prepareOverrides, prepareSettle } from "./settle.ts";

/** Runs groups of calls on an open file, synchronously. */
export interface Engine {
  /**
   * Runs the calls in order in one transaction: one fsync for all. A call that fails undoes nothing of the others.
   * @throws what SQLite throws when another connection holds the write lock; then nothing was done
   */
  run(calls: readonly Call[]): Answers;
}

type Handlers = { readonly [Name in keyof Operations]: (ask: Operations[Name]["ask"]) => unknown };

/** @param loadGates is asked for when the first call comes to a gate */
export function createEngine(
  db: DatabaseSync,
  { path, loadGates }: { readonly path: string; readonly loadGates: () => PrepareGates },
): Engine {
  const ledger = createLedger(db);
  const owners = prepareOwners(db, ledger);
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const handlers = createHandlers(db, { ledger, owners, loadGates });

  function handle({ op, ask }: Call): unknown {
    // Call pairs an operation with its own argument; the compiler cannot follow that through the table.
    return (handlers[op] as (ask: unknown) => unknown)(ask);
  }

  function fault(thrown: unknown): Fault {
    const { code, message, retryable } = toFault(thrown, path);
    return { code, message, retryable };
  }

  function rollback(): void {
    if (db.isTransaction) db.exec("ROLLBACK");
    ledger.reset();
    owners.reset();
  }

  function transaction<T>(body: () => T): T {
    begin.run();
    try {
      ledger.begin();
      const answer = body();
      ledger.flush();
      commit.run();
      return answer;
    } catch (error) {
      rollback();
      throw error;
    }
  }

  /** The slow way, taken only after a call failed: a savepoint each. */
  function runApart(calls: readonly Call[]): Answers {
    const faults = new Map<number, Fault>();
    const values = calls.map((call, at) => {
      db.exec("SAVEPOINT one");
      const back = ledger.mark();
      try {
        const value = handle(call);
        db.exec("RELEASE one");
        return value;
      } catch (error) {
        // Some failures (a full disk) end the whole transaction; then there is nothing to go on with.
        if (!db.isTransaction) throw error;
        db.exec("ROLLBACK TO one; RELEASE one");
        back();
        owners.reset();
        faults.set(at, fault(error));
        return undefined;
      }
    });
    return { values, faults };
  }

  function runReads(calls: readonly Call[]): Answers {
    const faults = new Map<number, Fault>();
    const values = calls.map((call, at) => {
      try {
        if (!readOperations.has(call.op)) return undefined;
        return handle(call);
      } catch (error) {
        if (isBusy(error)) throw error;
        faults.set(at, fault(error));
        return undefined;
      }
    });
    return { values, faults };
  }

  return {
    run(calls) {
      if (calls.every(({ op }) => readOperations.has(op))) return runReads(calls);
      try {
        return transaction(() => ({ values: calls.map(handle), faults: new Map() }));
      } catch (error) {
        if (isBusy(error)) throw error;
      }
      try {
        return transaction(() => runApart(calls));
      } catch (error) {
        if (isBusy(error)) throw error;
        // The file took nothing: what only reads may still answer, all else failed alike.
        const { values, faults } = runReads(calls);
        const why = fault(error);
        const failed = calls.flatMap(({ op }, at) =>
          readOperations.has(op) ? [] : [[at, why] as const],
        );
        return { values, faults: new Map([...faults, ...failed]) };
      }
    },
  };
}

function createHandlers(
  db: DatabaseSync,
  parts: { ledger: Ledger; owners: Owners; loadGates: () => PrepareGates },
): Handlers {
  const { ledger, owners, loadGates } = parts;
  // Statements are prepared when first used: a process that only emits needs few of them.
  const gates = once(() => loadGates()(db, ledger));
  const accept = once(() => prepareAccept(db, { ledger, owners, gates }));
  const claim = once(() => prepareClaim(db, { ledger, owners, gates }));
  const settle = once(() => prepareSettle(db, { ledger, owners, accept: accept() }));
  const extend = once(() => prepareExtend(db, owners));
  const overrides = once(() => prepareOverrides(db, ledger));
  const memory = once(() => prepareMemory(db, ledger));
  const queries = once(() => createQueries(db, ledger));
  const gateQueries = once(() => createGateQueries(db, ledger));
  const route = once(() => prepareRoute(db, { ledger, gates }));
  const purge = once(() => preparePurge(db, ledger));
  const version = once(() => db.prepare("PRAGMA data_version"));
  return {
    accept: (ask) => accept()(ask),
    claim: (ask) => claim()(ask),
    settle: (ask) => settle()(ask),
    extend: (ask) => extend()(ask),
    letGo: (ask) => owners.letGo(ask),
    update: (ask) => memory().update(ask),
    read: (ask) => memory().read(ask),
    lanes: () => queries().lanes(),
    version: () => Number(version().get()?.data_version),
    events: (ask) => queries().events(ask),
    deliveries: (ask) => queries().deliveries(ask),
    attempts: (ask) => queries().attempts(ask),
    counts: () => queries().counts(),
    gates: (ask) => gateQueries().gates(ask),
    unrouted: (ask) => gateQueries().unrouted(ask),
    route: (ask) => route()(ask),
    replay: (ask) => overrides().replay(ask),
    cancel: (ask) => overrides().cancel(ask),
    purge: (ask) => purge()(ask),
  };
}
