import type { DatabaseSync } from "node:sqlite";
import type {
  AttemptRecord,
  AttemptRow,
  DeliveryQuery,
  DeliveryRow,
  DeliveryState,
  EventQuery,
  EventRow,
  JsonValue,
} from "@pipehooks/core";
import type { Found, Operations, Step } from "./calls.ts";
import { prepareEarliest } from "./claim.ts";
import { packId, unpackId } from "./event-id.ts";
import { prepareEarliestWake } from "./gate-memory.ts";
import type { Ledger } from "./ledger.ts";
import { toRelease } from "./packing.ts";
import { isSettled, stateCodes, tallies, toState } from "./states.ts";

type Value = string | number | Uint8Array;
type Row = Record<string, unknown>;

/** Unsettled, and due only after something else. */
const hasNoTime: ReadonlySet<DeliveryState> = new Set(["blocked", "gathering"]);

/** Rows looked at in one step of a query. */
const rowsPerStep = 10_000;

export interface Queries {
  events(step: Step<EventQuery>): Found<EventRow>;
  deliveries(step: Step<DeliveryQuery>): Found<DeliveryRow>;
  attempts(delivery: number): AttemptRow[];
  counts(): Operations["counts"]["answer"];
  lanes(): Operations["lanes"]["answer"];
}

export function createQueries(db: DatabaseSync, ledger: Ledger): Queries {
  const earliest = prepareEarliest(db);
  const earliestWake = prepareEarliestWake(db);

  /** One condition a name that must exist for anything to match; undefined when it does not. */
  function nameConditions(
    columns: Readonly<Record<string, string | undefined>>,
  ): [string, Value][] | undefined {
    const conditions: [string, Value][] = [];
    for (const [column, name] of Object.entries(columns)) {
      if (name === undefined) continue;
      const id = ledger.find(name);
      if (id === undefined) return undefined;
      conditions.push([`${column} = ?`, id]);
    }
    return conditions;
  }

  return {
    events({ query, from, limit }) {
      const conditions = nameConditions({
        "e.source": query.source,
        "e.type": query.type,
        "e.pipeline": query.pipeline,
      });
      if (conditions === undefined) return { rows: [], next: null };
      if (query.since !== undefined) conditions.push(["e.at >= ?", query.since]);
      if (query.until !== undefined) conditions.push(["e.at < ?", query.until]);
      if (query.id !== undefined) conditions.push(["e.id = ?", packId(query.id)]);
      const { rows, next } = scan(db, {
        table: "events e",
        within: "1",
        key: "e.seq",
        // An id is looked up in its index, at once.
        stepwise: query.id === undefined,
        columns: "e.seq, e.at, e.body",
        joins: "",
        conditions,
        oldestFirst: query.oldestFirst ?? false,
        from: from ?? query.after ?? null,
        limit,
      });
      return {
        rows: rows.map(({ seq, at, body }) => ({
          seq: Number(seq),
          acceptedAt: Number(at),
          body: String(body),
        })),
        next,
      };
    },

    deliveries({ query, from, limit }) {
      const conditions = nameConditions({ "d.hook": query.hook });
      if (conditions === undefined) return { rows: [], next: null };
      const { states, ids, eventId } = query;
      const onlyDead = states?.length === 1 && states[0] === "dead";
      if (states !== undefined) {
        conditions.push([`d.state IN (${states.map((state) => stateCodes[state]).join()})`, ""]);
      }
      if (ids !== undefined) {
        conditions.push(["d.id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)]);
      }
      if (eventId !== undefined) conditions.push([eventDeliveries(db, eventId), ""]);
      if (query.since !== undefined) conditions.push(["e.at >= ?", query.since]);
      if (query.until !== undefined) conditions.push(["e.at < ?", query.until]);
      const { rows, next } = scan(db, {
        // Dead letters, the few among the many, have an index.
        table: onlyDead ? "deliveries d INDEXED BY deliveries_dead" : "deliveries d",
        within: onlyDead ? "d.state = 8" : "1",
        key: "d.id",
        stepwise: ids === undefined && eventId === undefined,
        columns:
          "d.id, d.hook, d.state, e.id AS event_id, e.source, e.type, e.at, d.attempts, d.due, d.reason, d.order_key, " +
          "d.gate, g.release, coalesce(g.count, k.gathered, 1) AS count",
        joins: `CROSS JOIN events e ON e.seq = d.event LEFT JOIN gated g ON g.delivery = d.id
          LEFT JOIN gates k ON d.state = ${stateCodes.gathering} AND k.hook = d.hook AND k.key = d.gate`,
        conditions,
        oldestFirst: query.oldestFirst ?? false,
        from: from ?? query.after ?? null,
        limit,
      });
      return { rows: rows.map((row) => toDeliveryRow(row, ledger)), next };
    },

    attempts: (delivery) =>
      db
        .prepare("SELECT * FROM attempts WHERE delivery = ? ORDER BY n")
        .all(delivery)
        .map(toAttemptRow),

    counts() {
      ledger.flush();
      return db
        .prepare(
          `SELECT hook, state, count FROM counters WHERE state <= ${stateCodes.gathering} AND count > 0`,
        )
        .all()
        .map((row) => ({
          hook: ledger.name(Number(row.hook)),
          state: toState(Number(row.state)),
          count: Number(row.count),
        }));
    },

    lanes() {
      ledger.flush();
      return db
        .prepare(
          `SELECT hook, max(state = ${tallies.keys}) AS gated FROM counters
           WHERE (state <= 5 OR state = ${tallies.keys}) AND count > 0 GROUP BY hook`,
        )
        .all()
        .flatMap((row) => {
          const hook = Number(row.hook);
          const times = [earliest(hook), earliestWake(hook)].filter((time) => time !== null);
          const gated = row.gated === 1;
          if (times.length === 0 && !gated) return [];
          const dueAt = times.length === 0 ? undefined : Math.min(...times);
          return [{ hook: ledger.name(hook), dueAt, gated }];
        });
    },
  };
}

interface Scan {
  readonly table: string;
  /** The condition of the table's rows that a step counts. */
  readonly within: string;
  readonly key: string;
  /** Whether to look at a bounded number of rows and say where to go on. */
  readonly stepwise: boolean;
  readonly columns: string;
  readonly joins: string;
  /** Each with its one parameter, "" for none. */
  readonly conditions: readonly (readonly [string, Value])[];
  readonly oldestFirst: boolean;
  readonly from: number | null;
  readonly limit: number;
}

function scan(db: DatabaseSync, scanned: Scan): { rows: Row[]; next: number | null } {
  const { table, within, key, columns, joins, oldestFirst, from, limit } = scanned;
  const [behind, upTo, order] = oldestFirst ? [">", "<=", "ASC"] : ["<", ">=", "DESC"];
  const start = from === null ? within : `${within} AND ${key} ${behind} ${Number(from)}`;
  const edge = scanned.stepwise
    ? db
        .prepare(
          `SELECT ${key} AS edge FROM ${table} WHERE ${start} ORDER BY ${key} ${order} LIMIT 1 OFFSET ?`,
        )
        .get(rowsPerStep - 1)
    : undefined;
  const next = edge === undefined ? null : Number(edge.edge);
  const where = [start, ...scanned.conditions.map(([sql]) => sql)];
  if (next !== null) where.push(`${key} ${upTo} ${next}`);
  const parameters = scanned.conditions
    .filter(([sql]) => sql.includes("?"))
    .map(([, value]) => value);
  const rows = db
    .prepare(
      `SELECT ${columns} FROM ${table} ${joins} WHERE ${where.join(" AND ")} ORDER BY ${key} ${order} LIMIT ?`,
    )
    .all(...parameters, limit);
  return { rows, next: rows.length >= limit ? null : next };
}

/** A condition that holds for the deliveries of every event with this id, whatever its source. */
function eventDeliveries(db: DatabaseSync, eventId: string): string {
  const events = db
    .prepare("SELECT seq, first, first + count AS behind FROM events WHERE id = ?")
    .all(packId(eventId));
  const gated = db.prepare("SELECT delivery FROM members WHERE event = ?");
  const ranges = events.map(
    ({ first, behind }) => `(d.id >= ${Number(first)} AND d.id < ${Number(behind)})`,
  );
  const ids = events.flatMap(({ seq }) =>
    gated.all(Number(seq)).map(({ delivery }) => Number(delivery)),
  );
  return `(${[...ranges, `d.id IN (${ids.join()})`].join(" OR ")})`;
}

function toDeliveryRow(row: Row, ledger: Ledger): DeliveryRow {
  const code = Number(row.state);
  const state: DeliveryState = toState(code);
  const due = Number(row.due);
  return {
    id: Number(row.id),
    hook: ledger.name(Number(row.hook)),
    state,
    eventId: unpackId(row.event_id),
    eventSource: ledger.name(Number(row.source)),
    eventType: ledger.name(Number(row.type)),
    acceptedAt: Number(row.at),
    attempts: Number(row.attempts),
    ...(isSettled(code) ? { settledAt: due } : hasNoTime.has(state) ? {} : { dueAt: due }),
    ...(row.reason === null ? {} : { reason: String(row.reason) }),
    ...(row.order_key === null ? {} : { orderKey: String(row.order_key) }),
    ...(row.gate === null ? {} : { gate: toGated(row) }),
  };
}

function toGated({ gate, count, release }: Row): NonNullable<DeliveryRow["gate"]> {
  const said = toRelease(release as string | null);
  return {
    key: String(gate),
    count: Number(count),
    ...(said === undefined ? {} : { release: said }),
  };
}

function toAttemptRow(row: Row): AttemptRow {
  return {
    deliveryId: Number(row.delivery),
    number: Number(row.number),
    startedAt: Number(row.started_at),
    durationMs: Number(row.duration_ms),
    outcome: row.outcome as AttemptRecord["outcome"],
    ...(row.code === null ? {} : { code: String(row.code) }),
    ...(row.message === null ? {} : { message: String(row.message) }),
    ...(row.answer === null ? {} : { answer: JSON.parse(String(row.answer)) as JsonValue }),
  };
}
