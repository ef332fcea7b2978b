import { databricksSql } from "@pipehooks/databricks";
import {
  checkOptions,
  createDatabricksReceiver,
  createTestDelivery,
  createTestEvent,
  openHook,
} from "@pipehooks/testing";
import { describe, expect, test, vi } from "vitest";
import { createTable, insert, minute, openSqlBench, toConnection } from "./sql-bench.ts";

describe.for(["rest", "driver"] as const)("over %s", (transport) => {
  test("an event becomes a row, in a table that is made first", async () => {
    const table = createTable();
    await using bench = await openSqlBench(transport, { ...insert, createTable: true }, table);

    await bench.end("it's; DROP TABLE x", { rows: 7 });
    await bench.time.advance(minute);
    await bench.end("second");
    await bench.time.advance(minute);

    expect(await bench.states()).toEqual(["delivered", "delivered"]);
    expect(table.rows).toMatchObject([
      {
        event_id: expect.any(String),
        type: "pipeline.end",
        pipeline: "it's; DROP TABLE x",
        flowgroup: null,
        metadata: '{"rows":7}',
      },
      { pipeline: "second" },
    ]);
    expect(table.texts.filter((text) => text.startsWith("CREATE"))).toEqual([
      "CREATE TABLE IF NOT EXISTS `ops`.`pipelines`.`events` (`event_id` STRING, `type` STRING, `source` STRING, `time` TIMESTAMP, `pipeline` STRING, `flowgroup` STRING, `action` STRING, `metadata` STRING, `error` STRING)",
    ]);
    expect(table.texts.join()).not.toContain("DROP TABLE");
    expect(bench.heard).toMatchObject([
      { type: "databricks.sql.run.completed", metadata: { rows: [{ num_affected_rows: "1" }] } },
      { type: "databricks.sql.run.completed" },
    ]);
  });

  test.for([
    ["503, the statement being run", { answer: 503, effect: true }],
    ["a cut connection, the statement being run", { answer: "cut", effect: true }],
    ["429", { answer: 429 }],
  ] as const)("after %s there is one row all the same", async ([, fault]) => {
    const table = createTable();
    await using bench = await openSqlBench(transport, insert, table);
    bench.databricks.fault({ on: bench.starts, times: 2, ...fault });

    await bench.end();
    await bench.time.advance(10 * minute);

    expect(table.rows).toHaveLength(1);
    expect(await bench.states()).toEqual(["delivered"]);
  });

  test("events that a gate let through together are one statement", async () => {
    const table = createTable();
    const digest = { digest: { every: "1m", max: 100 } };
    await using bench = await openSqlBench(transport, insert, table, digest);

    for (let count = 0; count < 40; count += 1) await bench.end(`p${count}`);
    await bench.time.advance(3 * minute);

    expect(table.rows).toHaveLength(40);
    expect(bench.databricks.statements).toHaveLength(1);
  });

  test("columns are templates with types, and their values are as the type wants them", async () => {
    const table = createTable();
    await using bench = await openSqlBench(
      transport,
      {
        insertInto: "events",
        catalog: "ops",
        schema: "pipelines",
        columns: {
          id: "${id}",
          rows: { value: "${metadata.count}", type: "bigint" },
          big: { value: "9007199254740993", type: "BIGINT" },
          ok: { value: "${metadata.ok}", type: "BOOLEAN" },
          day: { value: "${metadata.day}", type: "DATE" },
          tags: "${metadata.tags}",
          one: "${metadata.count}",
        },
        mergeOn: "id",
      },
      table,
    );

    await bench.end("orders", { count: "12", ok: "true", day: "2026-01-15", tags: ["a"] });
    await bench.time.advance(minute);

    expect(bench.databricks.statements).toMatchObject([
      {
        text: expect.stringContaining(
          "USING (SELECT inline(from_json(:rows, 'ARRAY<STRUCT<`id`: STRING, `rows`: BIGINT, `big`: BIGINT, `ok`: BOOLEAN, `day`: DATE, `tags`: STRING, `one`: STRING>>', map('mode', 'FAILFAST')))) AS source ON target.`id` = source.`id`",
        ),
        parameters: {
          rows: {
            type: "STRING",
            value: expect.stringContaining(
              '"rows":12,"big":9007199254740993,"ok":true,"day":"2026-01-15","tags":"[\\"a\\"]","one":"12"',
            ),
          },
        },
      },
    ]);
    const place = { catalog: "ops", schema: "pipelines" };
    if (transport === "driver") {
      expect(bench.databricks.sessions).toMatchObject([{ ...place, warehouse: "wh1" }]);
    } else {
      const body = JSON.parse(bench.databricks.requests[0]?.text ?? "");
      expect(body).toMatchObject({ ...place, warehouse_id: "wh1" });
    }
  });

  test("with mergeOn: false every delivery inserts, and what is unknown is given up", async () => {
    const table = createTable();
    await using bench = await openSqlBench(transport, { ...insert, mergeOn: false }, table);
    bench.databricks.fault({ on: bench.starts, answer: 503, effect: true, times: 1 });

    await bench.end();
    await bench.time.advance(10 * minute);

    expect(table.texts).toEqual([expect.stringMatching(/^INSERT INTO `ops`/)]);
    expect(table.rows).toHaveLength(1);
    expect(await bench.states()).toEqual(["dead"]);
  });

  test("a statement gets its parameters by name and type, and its first rows are in the event", async () => {
    await using bench = await openSqlBench(
      transport,
      {
        statement:
          "SELECT count(*) AS failed FROM checks WHERE day = :day AND n > :n AND note = ':x' AND z IS :z",
        parameters: {
          day: { value: "${metadata.day}", type: "DATE" },
          n: "${metadata.n}",
          z: "${metadata.z:-null}",
        },
      },
      { execute: () => ({ columns: [{ name: "failed", type: "BIGINT" }], rows: [["3"]] }) },
    );

    await bench.end("orders", { day: "2026-01-15", n: 7 });
    await bench.time.advance(minute);

    expect(bench.databricks.statements[0]?.parameters).toEqual({
      day: { name: "day", value: "2026-01-15", type: "DATE" },
      n: { name: "n", value: "7", type: "BIGINT" },
      z: { name: "z", value: null, type: transport === "driver" ? "VOID" : "STRING" },
    });
    expect(bench.heard).toMatchObject([
      { type: "databricks.sql.run.completed", metadata: { row_count: 1, rows: [{ failed: "3" }] } },
    ]);
  });

  test("a result of megabytes is counted, and too long for an event", async () => {
    const columns = [{ name: "text", type: "STRING" }];
    const rows = Array.from({ length: 900 }, () => ["x".repeat(8_000)]);
    await using bench = await openSqlBench(
      transport,
      { statement: "SELECT text FROM t" },
      { execute: () => ({ columns, rows }) },
    );

    await bench.end();
    await bench.time.advance(minute);

    const { row_count, rows: told } = bench.heard[0]?.metadata ?? {};
    expect([row_count, told]).toEqual([900, undefined]);
  });

  test("values of rows are text with every digit, whatever their type", async () => {
    const columns =
      "BIGINT BIGINT INT SMALLINT TINYINT DOUBLE BOOLEAN BOOLEAN STRING DECIMAL(20,2) DATE BINARY BIGINT STRING"
        .split(" ")
        .map((type, at) => ({ name: `c${at}`, type }));
    const cells = [
      "9223372036854775807",
      "-9007199254740993",
      "7",
      "-8",
      "9",
      "0.5",
      "true",
      "false",
    ];
    const rows = [[...cells, "ä🙂", "123456789012345678.90", "2026-01-15", "AAEC/w==", null, null]];
    await using bench = await openSqlBench(
      transport,
      { statement: "SELECT * FROM t" },
      { execute: () => ({ columns, rows }) },
    );

    await bench.end();
    await bench.time.advance(minute);

    const [row] = (bench.heard[0]?.metadata.rows ?? []) as Record<string, unknown>[];
    expect(Object.values(row ?? {})).toEqual(rows[0]);
    expect(bench.heard[0]?.metadata.row_count).toBe(1);
  });

  test("a cold warehouse is waited for, and a long statement looked at until it ends", async () => {
    const table = createTable();
    await using bench = await openSqlBench(
      transport,
      { ...insert, createTable: true },
      {
        warehouseStartMs: 4 * minute,
        execute: (statement) => ({ ...table.execute?.(statement), runMs: 3 * minute }),
      },
    );
    bench.databricks.fault({ on: bench.starts, answer: 500, times: 1 });

    await bench.end();
    await bench.time.advance(15 * minute);

    expect(table.rows).toHaveLength(1);
    expect(await bench.states()).toEqual(["delivered"]);
  });

  test.for([
    ["TEMPORARILY_UNAVAILABLE", "maintenance", 4],
    ["BAD_REQUEST", "[DELTA_CONCURRENT_APPEND] retry", 4],
    ["BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND] events", 1],
    ["BAD_REQUEST", "[PARSE_SYNTAX_ERROR] Syntax error at or near", 1],
  ] as const)(
    "a statement that fails with %s: %s is sent %d times",
    async ([code, message, times]) => {
      await using bench = await openSqlBench(transport, insert, {
        execute: () => ({ error: { code, message } }),
      });

      await bench.end();
      await bench.time.advance(10 * minute);

      expect(bench.databricks.statements).toHaveLength(times);
      expect(await bench.states()).toEqual(["dead"]);
      expect(bench.heard.map(({ type }) => type)).toEqual(["databricks.sql.run.failed"]);
      expect(bench.heard[0]?.metadata.message).toContain(message);
    },
  );

  test("a statement beyond its deadline is cancelled if so asked", async () => {
    await using bench = await openSqlBench(
      transport,
      { statement: "OPTIMIZE t", deadline: "5m", onDeadline: "cancel" },
      { execute: () => ({ runMs: 60 * minute }) },
    );

    await bench.end();
    await bench.time.advance(10 * minute);

    expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["CANCELED"]);
  });
});

test.for([
  [{}, ["statement"]],
  [{ statement: "SELECT 1", insertInto: "t" }, ["statement"]],
  [{ statement: "SELECT ${id}" }, ["statement"]],
  [
    { statement: "SELECT :a, b:field, c::INT, '\\':x'", parameters: { b: 1 } },
    ["parameters.a", "parameters.b"],
  ],
  [{ statement: "SELECT 1", columns: { a: "x" }, createTable: true }, ["columns", "createTable"]],
  [{ insertInto: "a.b.c.d" }, ["insertInto"]],
  [{ ...insert, parameters: {}, repeatable: true }, ["parameters", "repeatable"]],
  [{ ...insert, columns: {} }, ["columns"]],
  [{ ...insert, columns: { a: { value: "x", type: "MAP<STRING, INT>" } } }, ["columns.a.type"]],
  [{ ...insert, columns: { "a'": "x" } }, ["columns.a'"]],
  [{ ...insert, mergeOn: "nothing" }, ["mergeOn"]],
  [{ ...insert, poll: { first: "30m", longest: "1h" } }, ["poll.first", "poll.longest"]],
  [
    { ...insert, waitForCompletion: false, retryRun: 1, deadline: "1h", onDeadline: "cancel" },
    ["retryRun", "deadline", "onDeadline"],
  ],
  [{ ...insert, warehouseId: "a b" }, ["warehouseId"]],
  [{ ...insert, onRunning: "skip" }, [""]],
  [{ ...insert, transport: "jdbc" }, ["transport"]],
  [{ ...insert, host: "http://127.0.0.1" }, ["host"]],
] as const)("%j is refused", async ([options, paths]) => {
  const { problems } = await checkOptions(databricksSql.kind, {
    ...{ host: "https://x", token: "t", warehouseId: "w" },
    ...options,
  });

  expect(problems.map(({ path }) => path)).toEqual(paths);
});

test.for([
  "SELECT details:flow.status FROM log",
  "SELECT `details`:flow.status FROM log",
  'SELECT "details":flow.status FROM log',
  "SELECT l.`details`:flow, '`'::STRING, `a:b` FROM log AS l",
])("a path in JSON is no parameter: %s", async (statement) => {
  const { problems } = await checkOptions(databricksSql.kind, {
    ...{ host: "https://x", token: "t", warehouseId: "w", statement },
  });

  expect(problems).toEqual([]);
});

test.for(["rest", "driver"] as const)(
  "the warehouse is found in the environment, check says how it is, and what %s would send is shown",
  async (transport) => {
    await using databricks = await createDatabricksReceiver({ driver: transport === "driver" });
    vi.stubEnv("DATABRICKS_WAREHOUSE_ID", "wh1");
    await using opened = await openHook(databricksSql, {
      ...toConnection(databricks, transport),
      token: "dapi-test",
      schema: "pipelines",
      ...insert,
    });
    const event = createTestEvent();

    expect(await opened.hook.check?.(AbortSignal.timeout(5_000))).toEqual({
      summary: expect.stringContaining('warehouse wh1 "wh1" is there (STOPPED)'),
    });
    expect(await opened.hook.render?.(createTestDelivery({ event }))).toMatchObject({
      target: `POST ${databricks.url}/${transport === "rest" ? "api/2.0/sql/statements" : "sql/1.0/warehouses/wh1"}`,
      body: {
        statement: expect.stringMatching(/^MERGE INTO/),
        schema: "pipelines",
        parameters: [{ name: "rows", type: "STRING", value: expect.stringContaining(event.id) }],
      },
    });
    expect(databricks.statements).toEqual([]);
  },
);
