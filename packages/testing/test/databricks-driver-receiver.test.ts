import { DBSQLClient } from "@databricks/sql";
import { createDatabricksReceiver, type DatabricksReceiverOptions } from "@pipehooks/testing";
import { expect, test } from "vitest";

/** The workspace, and the vendor's client connected to it as its documentation says. */
async function open(
  options: DatabricksReceiverOptions = {},
  connection: { readonly token?: string; readonly warehouse?: string } = {},
) {
  let now = 0;
  const databricks = await createDatabricksReceiver({ driver: true, now: () => now, ...options });
  const client = new DBSQLClient({ logger: { log: () => {} } });
  await client.connect({
    host: "127.0.0.1",
    port: Number(new URL(databricks.url).port),
    path: `/sql/1.0/warehouses/${connection.warehouse ?? "wh1"}`,
    token: connection.token ?? "dapi-test",
    customCaCert: databricks.ca ?? "",
    telemetryEnabled: false,
    retryMaxAttempts: 1,
  });
  return {
    databricks,
    client,
    wait(ms: number) {
      now += ms;
    },
    async [Symbol.asyncDispose]() {
      await client.close().catch(() => {});
      await databricks[Symbol.asyncDispose]();
    },
  };
}

const numbers = {
  columns: [
    { name: "n", type: "INT" },
    { name: "text", type: "STRING" },
  ],
  rows: Array.from({ length: 25 }, (_, at) => [String(at), at % 10 === 3 ? null : `row ${at}`]),
};

test("the vendor's client runs a statement with parameters, and reads its rows page by page", async () => {
  await using bench = await open({ execute: () => numbers });
  const session = await bench.client.openSession({ initialCatalog: "ops", initialSchema: "runs" });

  const operation = await session.executeStatement("SELECT n FROM t WHERE d = :d AND e = :e", {
    namedParameters: { d: "2026-01-15", e: null },
    maxRows: 10,
  });
  const first = await operation.fetchChunk({ maxRows: 10 });
  const rest = await operation.fetchAll({ maxRows: 10 });
  await operation.close();
  await session.close();

  expect(first).toHaveLength(10);
  expect([...first, ...rest]).toEqual(numbers.rows.map(([n, text]) => ({ n: Number(n), text })));
  expect(bench.databricks.statements).toMatchObject([
    {
      transport: "driver",
      state: "SUCCEEDED",
      parameters: { d: { value: "2026-01-15", type: "STRING" }, e: { value: null } },
    },
  ]);
  expect(bench.databricks.sessions).toMatchObject([
    { catalog: "ops", schema: "runs", warehouse: "wh1", state: "closed" },
  ]);
  expect(bench.databricks.openOperations).toBe(0);
});

test("a warehouse that was stopped lets statements wait, and a session that is closed ends them", async () => {
  await using bench = await open({
    warehouseStartMs: 60_000,
    execute: () => ({ runMs: 60_000 }),
  });
  const session = await bench.client.openSession();
  const operation = await session.executeStatement("OPTIMIZE t");
  const states: (number | undefined)[] = [];
  const look = async () => states.push((await operation.status()).operationState);

  await look();
  bench.wait(60_000);
  await look();
  await session.close();

  // PENDING_STATE, RUNNING_STATE
  expect(states).toEqual([7, 1]);
  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["CANCELED"]);
  expect(bench.databricks.openOperations).toBe(0);
});

test("a statement can be cancelled, and one that fails says why, with its SQL state", async () => {
  await using bench = await open({
    execute: ({ text }) =>
      text === "fails"
        ? { error: { code: "BAD_REQUEST", message: "[TABLE_OR_VIEW_NOT_FOUND] t" } }
        : { runMs: 60_000 },
  });
  const session = await bench.client.openSession();

  const cancelled = await session.executeStatement("waits");
  await cancelled.cancel();
  const failed = await session.executeStatement("fails");
  const status = await failed.status();

  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["CANCELED", "FAILED"]);
  expect(status).toMatchObject({ sqlState: "42000", errorMessage: "[TABLE_OR_VIEW_NOT_FOUND] t" });
  await expect(failed.fetchAll()).rejects.toThrow("TABLE_OR_VIEW_NOT_FOUND");
});

test("a session that has expired is not known, and what ran in it goes on", async () => {
  await using bench = await open({ execute: () => ({ runMs: 60_000 }) });
  const session = await bench.client.openSession();
  const operation = await session.executeStatement("OPTIMIZE t");
  bench.databricks.expireSessions();

  await expect(session.executeStatement("SELECT 1")).rejects.toMatchObject({
    message: expect.stringContaining("Invalid SessionHandle"),
  });
  await expect(operation.status()).rejects.toMatchObject({
    message: expect.stringContaining("Invalid OperationHandle"),
  });
  expect(bench.databricks.sessions.map(({ state }) => state)).toEqual(["expired"]);
  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["RUNNING"]);
});

test.for([
  ["a token that is not good", { token: "wrong" }, 401],
  ["a warehouse that is not there", { warehouse: "wh9" }, 404],
] as const)("%s is refused", async ([, connection, status]) => {
  await using bench = await open({}, connection);

  await expect(bench.client.openSession()).rejects.toMatchObject({ statusCode: status });
});

test("parameters go by name, all that are read, and not to a server that is too old", async () => {
  await using bench = await open();
  await using old = await open({ protocolVersion: 42247 });
  const session = await bench.client.openSession();
  const oldSession = await old.client.openSession();
  const named = { namedParameters: { a: 1 } };

  await expect(
    session.executeStatement("SELECT ?", { ordinalParameters: [1] }),
  ).rejects.toMatchObject({ message: expect.stringContaining("by name") });
  await expect(session.executeStatement("SELECT :a, :b", named)).rejects.toMatchObject({
    message: expect.stringContaining("unbound parameter: b"),
  });
  await expect(oldSession.executeStatement("SELECT :a", named)).rejects.toMatchObject({
    message: expect.stringContaining("unbound parameter: a"),
  });
});

test("faults come before or after the effect, and late", async () => {
  await using bench = await open();
  const session = await bench.client.openSession();
  const on = "thrift/ExecuteStatement";
  bench.databricks.fault({ on, answer: 503, times: 1 });
  bench.databricks.fault({ on, answer: "cut", effect: true, times: 1 });
  bench.databricks.fault({ on, answer: "slow", delayMs: 200, times: 1 });

  await expect(session.executeStatement("one")).rejects.toMatchObject({ statusCode: 503 });
  await expect(session.executeStatement("two")).rejects.toThrow("socket hang up");
  const since = performance.now();
  await session.executeStatement("three");

  expect(performance.now() - since).toBeGreaterThan(190);
  expect(bench.databricks.statements.map(({ text }) => text)).toEqual(["two", "three"]);
  expect(bench.databricks.calls(on)).toBe(3);
});

test("without driver: true it is plain http and speaks no Thrift", async () => {
  await using databricks = await createDatabricksReceiver();

  const answer = await fetch(`${databricks.url}/sql/1.0/warehouses/wh1`, {
    method: "POST",
    headers: { authorization: "Bearer dapi-test" },
  });

  expect([answer.status, databricks.ca]).toEqual([404, undefined]);
});
