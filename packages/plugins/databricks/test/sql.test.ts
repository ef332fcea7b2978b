import { createPipehooks, type PipehooksEvent, silentLogger } from "@pipehooks/core";
import { type DatabricksSqlOptions, databricksEvents, databricksSql } from "@pipehooks/databricks";
import {
  checkOptions,
  createDatabricksReceiver,
  createTestDelivery,
  createTestEvent,
  createVirtualTime,
  type DatabricksReceiverOptions,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";

const minute = 60_000;
const insert = { insertInto: "ops.pipelines.events" };

/** A table that understands the statements of `insertInto`, by their parts that matter. */
function createTable() {
  const rows: Record<string, unknown>[] = [];
  const texts: string[] = [];
  const execute: DatabricksReceiverOptions["execute"] = ({ text, parameters }) => {
    texts.push(text);
    if (text.startsWith("CREATE")) return {};
    const merges = text.startsWith("MERGE");
    const given = JSON.parse(parameters.rows?.value ?? "[]") as Record<string, unknown>[];
    const fresh = given.filter(
      (row) => !merges || !rows.some((other) => other.event_id === row.event_id),
    );
    rows.push(...fresh);
    return {
      columns: [{ name: "num_affected_rows", type: "BIGINT" }],
      rows: [[String(fresh.length)]],
    };
  };
  return { rows, texts, execute };
}

async function openBench(
  options: DatabricksSqlOptions,
  workspace: DatabricksReceiverOptions = {},
  gate: object = {},
) {
  const time = createVirtualTime({ restMs: 5 });
  const databricks = await createDatabricksReceiver({ now: () => time.now(), ...workspace });
  const heard: PipehooksEvent[] = [];
  const bus = createPipehooks({
    hooks: [
      {
        name: "log",
        events: "pipeline.end",
        hook: databricksSql({
          host: databricks.url,
          token: "dapi-test",
          warehouseId: "wh1",
          ...options,
        }),
        ...gate,
      },
    ],
    events: databricksEvents,
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });
  bus.on("databricks.sql.*", (event: PipehooksEvent) => {
    heard.push(event);
  });
  return {
    time,
    databricks,
    heard,
    bus,
    end: (pipeline = "orders", metadata = {}) => bus.emit("pipeline.end", { pipeline, metadata }),
    states: async () => (await bus.store.deliveries({})).map(({ state }) => state),
    async [Symbol.asyncDispose]() {
      await bus.close({ timeoutMs: 0 });
      await databricks[Symbol.asyncDispose]();
    },
  };
}

test("an event becomes a row, in a table that is made first", async () => {
  const table = createTable();
  await using bench = await openBench({ ...insert, createTable: true }, table);

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
  await using bench = await openBench(insert, table);
  bench.databricks.fault({ on: "sql/statements", times: 2, ...fault });

  await bench.end();
  await bench.time.advance(10 * minute);

  expect(table.rows).toHaveLength(1);
  expect(await bench.states()).toEqual(["delivered"]);
});

test("events that a gate let through together are one statement", async () => {
  const table = createTable();
  const digest = { digest: { every: "1m", max: 100 } };
  await using bench = await openBench(insert, table, digest);

  for (let count = 0; count < 40; count += 1) await bench.end(`p${count}`);
  await bench.time.advance(3 * minute);

  expect(table.rows).toHaveLength(40);
  expect(bench.databricks.statements).toHaveLength(1);
});

test("columns are templates with types, and their values are as the type wants them", async () => {
  const table = createTable();
  await using bench = await openBench(
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
  const body = JSON.parse(bench.databricks.requests[0]?.text ?? "");
  expect(body).toMatchObject({ catalog: "ops", schema: "pipelines", warehouse_id: "wh1" });
});

test("with mergeOn: false every delivery inserts, and what is unknown is given up", async () => {
  const table = createTable();
  await using bench = await openBench({ ...insert, mergeOn: false }, table);
  bench.databricks.fault({ on: "sql/statements", answer: 503, effect: true, times: 1 });

  await bench.end();
  await bench.time.advance(10 * minute);

  expect(table.texts).toEqual([expect.stringMatching(/^INSERT INTO `ops`/)]);
  expect(table.rows).toHaveLength(1);
  expect(await bench.states()).toEqual(["dead"]);
});

test("a statement gets its parameters by name and type, and its first rows are in the event", async () => {
  await using bench = await openBench(
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
    z: { name: "z", value: null, type: "STRING" },
  });
  expect(bench.heard).toMatchObject([
    { type: "databricks.sql.run.completed", metadata: { row_count: 1, rows: [{ failed: "3" }] } },
  ]);
});

test("a cold warehouse is waited for, and a long statement looked at until it ends", async () => {
  const table = createTable();
  await using bench = await openBench(
    { ...insert, createTable: true },
    {
      warehouseStartMs: 4 * minute,
      execute: (statement) => ({ ...table.execute?.(statement), runMs: 3 * minute }),
    },
  );
  bench.databricks.fault({ on: "sql/statements", answer: 500, times: 1 });

  await bench.end();
  await bench.time.advance(20 * minute);

  expect(table.rows).toHaveLength(1);
  expect(await bench.states()).toEqual(["delivered"]);
});

test.for([
  ["TEMPORARILY_UNAVAILABLE", "maintenance", 4],
  ["BAD_REQUEST", "[DELTA_CONCURRENT_APPEND] retry", 4],
  ["BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND] events", 1],
] as const)(
  "a statement that fails with %s: %s is sent %d times",
  async ([code, message, times]) => {
    await using bench = await openBench(insert, { execute: () => ({ error: { code, message } }) });

    await bench.end();
    await bench.time.advance(20 * minute);

    expect(bench.databricks.statements).toHaveLength(times);
    expect(await bench.states()).toEqual(["dead"]);
    expect(bench.heard.map(({ type }) => type)).toEqual(["databricks.sql.run.failed"]);
    expect(bench.heard[0]?.metadata.message).toContain(message);
  },
);

test("a statement beyond its deadline is cancelled if so asked", async () => {
  await using bench = await openBench(
    { statement: "OPTIMIZE t", deadline: "5m", onDeadline: "cancel" },
    { execute: () => ({ runMs: 60 * minute }) },
  );

  await bench.end();
  await bench.time.advance(20 * minute);

  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["CANCELED"]);
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
  [{ ...insert, poll: { longest: "1h" } }, ["poll.longest"]],
  [{ ...insert, warehouseId: "a b" }, ["warehouseId"]],
  [{ ...insert, onRunning: "skip" }, [""]],
] as const)("%j is refused", async ([options, paths]) => {
  const { problems } = await checkOptions(databricksSql.kind, {
    ...{ host: "https://x", token: "t", warehouseId: "w" },
    ...options,
  });

  expect(problems.map(({ path }) => path)).toEqual(paths);
});

test("the warehouse is found in the environment, and check says how it is", async () => {
  await using databricks = await createDatabricksReceiver();
  process.env.DATABRICKS_WAREHOUSE_ID = "wh1";
  try {
    await using opened = await openHook(databricksSql, {
      host: databricks.url,
      token: "dapi-test",
      ...insert,
    });
    const event = createTestEvent();

    expect(await opened.hook.check?.(AbortSignal.timeout(5_000))).toEqual({
      summary: expect.stringContaining('warehouse wh1 "wh1" is there (STOPPED)'),
    });
    expect(await opened.hook.render?.(createTestDelivery({ event }))).toMatchObject({
      target: `POST ${databricks.url}/api/2.0/sql/statements`,
      body: { warehouse_id: "wh1", parameters: [{ name: "rows" }] },
    });
  } finally {
    delete process.env.DATABRICKS_WAREHOUSE_ID;
  }
});
