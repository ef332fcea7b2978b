import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { HookError, JsonValue } from "@pipehooks/core";
import { type DatabricksSqlOptions, databricksSql } from "@pipehooks/databricks";
import {
  createDatabricksReceiver,
  createTestDelivery,
  createTestEvent,
  type DatabricksReceiver,
  type DatabricksReceiverOptions,
  openHook,
} from "@pipehooks/testing";
import { afterEach, expect, test, vi } from "vitest";
import { createTable, insert, minute, openSqlBench, toConnection } from "./sql-bench.ts";

afterEach(() => {
  vi.useRealTimers();
});

const token = "dapi-0123456789abcdef";
const expired = {
  "x-thriftserver-error-message": "BAD_REQUEST: Invalid SessionHandle: Session [x] is closed",
};

/** What a hook that may not run twice stores before its first statement. */
const starting: JsonValue = { phase: "starting", marker: "m1", attempt: 1, again: 0, since: 0 };

/** A hook and a workspace; statements by hand, one attempt each. */
async function open(
  options: DatabricksSqlOptions = insert,
  workspace: DatabricksReceiverOptions = {},
) {
  const databricks = await createDatabricksReceiver({
    driver: true,
    tokens: [token],
    ...workspace,
  });
  const hook = await openOne(databricks, options);
  return {
    ...hook,
    databricks,
    another: () => openOne(databricks, options),
    async [Symbol.asyncDispose]() {
      await hook[Symbol.asyncDispose]();
      await databricks[Symbol.asyncDispose]();
    },
  };
}

async function openOne(databricks: DatabricksReceiver, options: DatabricksSqlOptions) {
  const opened = await openHook(databricksSql, {
    ...toConnection(databricks, "driver"),
    ...(options.clientId === undefined && { token }),
    warehouseId: "wh1",
    waitForCompletion: false,
    ...options,
  });
  const deliver = (fields: Parameters<typeof createTestDelivery>[0] = {}) =>
    Promise.resolve(opened.hook.deliver(createTestDelivery(fields)));
  return {
    opened,
    deliver,
    failure: (fields?: Parameters<typeof createTestDelivery>[0]): Promise<HookError> =>
      deliver(fields).then(
        (outcome) => expect.fail(`delivered: ${JSON.stringify(outcome)}`),
        (thrown) => thrown,
      ),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

test("deliveries share one session, side by side, and nothing is left open at the end", async () => {
  const table = createTable();
  await using bench = await open(insert, table);

  const deliveries = Array.from({ length: 20 }, (_, at) =>
    bench.deliver({ event: createTestEvent({ id: `evt_${at}` }) }),
  );
  await Promise.all(deliveries);
  await bench.opened[Symbol.asyncDispose]();
  await bench.opened[Symbol.asyncDispose]();

  expect(table.rows).toHaveLength(20);
  expect(bench.databricks.sessions.map(({ state }) => state)).toEqual(["closed"]);
  expect(bench.databricks.openOperations).toBe(0);
  await expect.poll(() => bench.databricks.open).toBe(0);
});

test("nothing is called but the warehouse: no telemetry, with the environment as it was", async () => {
  const before = { ...process.env };
  await using bench = await open();

  await bench.deliver();
  await bench.opened[Symbol.asyncDispose]();

  const paths = new Set(bench.databricks.requests.map(({ path }) => path));
  expect([...paths]).toEqual(["/api/2.0/sql/warehouses/wh1", "/sql/1.0/warehouses/wh1"]);
  // The driver asks whether telemetry is wanted before it sends any, and says so.
  expect(JSON.stringify(bench.opened.logs)).not.toMatch(/telemetry|feature flag/i);
  expect(process.env).toEqual(before);
  const [agent] = bench.databricks.requests.slice(-1).map(({ headers }) => headers["user-agent"]);
  expect(agent).toMatch(/^NodejsDatabricksSqlConnector\/.*pipehooks-databricks/);
  expect(bench.opened.logs.some(({ message }) => message.startsWith("@databricks/sql:"))).toBe(
    true,
  );
  expect(JSON.stringify(bench.opened.logs)).not.toContain(token);
});

test.for([
  ["by its status", undefined],
  ["by status 400 and a header", { status: 400, headers: expired }],
  [
    "by status 404 and another header",
    {
      status: 404,
      headers: { "x-thriftserver-error-message": "Session handle: 01ef has not been initialized" },
    },
  ],
] as const)("a session that has ended, said %s, is opened anew, once", async ([, answer]) => {
  const table = createTable();
  await using bench = await open({ ...insert, mergeOn: false }, table);
  await bench.deliver({ state: starting });
  if (answer === undefined) bench.databricks.expireSessions();
  else bench.databricks.fault({ on: "thrift/ExecuteStatement", answer, times: 1 });

  await bench.deliver({ state: starting });

  expect(table.rows).toHaveLength(2);
  expect(bench.databricks.sessions).toHaveLength(2);
});

test("a warehouse that ends every session is tried again later, and no statement has run", async () => {
  await using bench = await open({ statement: "OPTIMIZE t" });
  const answer = { status: 400, headers: expired };
  bench.databricks.fault({ on: "thrift/ExecuteStatement", answer });

  const outcome = await bench.failure({ attempt: 1, state: starting });

  expect(outcome).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
  expect(outcome.message).toContain("ended two sessions at once");
  expect(bench.databricks.calls("thrift/OpenSession")).toBe(2);
  expect(bench.databricks.statements).toEqual([]);
});

test.for([
  ["a statement that must not run twice", { statement: "OPTIMIZE t" }],
  ["a table that is made first", { ...insert, createTable: true }],
] as const)(
  "a warehouse that answers 503 while it starts is waited for: %s",
  async ([, options]) => {
    await using bench = await openSqlBench("driver", options);
    const down = bench.databricks.fault({ on: "thrift/OpenSession", answer: 503 });

    await bench.end();
    await bench.time.advance(6 * minute);
    const meanwhile = await bench.bus.store.deliveries({});
    down[Symbol.dispose]();
    await bench.time.advance(2 * minute);

    expect(meanwhile).toMatchObject([{ state: "pending", attempts: 0 }]);
    expect(await bench.states()).toEqual(["delivered"]);
    const texts = bench.databricks.statements.map(({ text }) => text.split(" ")[0]);
    expect(texts).toEqual("statement" in options ? ["OPTIMIZE"] : ["CREATE", "MERGE"]);
  },
);

test("one that answers 503 for longer than any start takes is down, and attempts count", async () => {
  await using bench = await openSqlBench("driver", { statement: "OPTIMIZE t" });
  bench.databricks.fault({ on: "thrift/OpenSession", answer: 503 });

  await bench.end();
  await bench.time.advance(20 * minute);

  const [row] = await bench.bus.store.deliveries({});
  expect(row?.attempts).toBeGreaterThan(2);
  expect(bench.databricks.statements).toEqual([]);
});

test("a service principal's token is one for both protocols, and renewed when it is refused", async () => {
  const clients = { "client-1": "s3cret" };
  await using bench = await open(
    { ...insert, clientId: "client-1", clientSecret: "s3cret" },
    { clients },
  );
  await bench.deliver();
  bench.databricks.revokeTokens();

  await bench.deliver();

  expect(bench.databricks.tokensIssued).toBe(2);
  expect(bench.databricks.statements).toHaveLength(2);
  const used = bench.databricks.requests.map(({ headers }) => headers.authorization ?? "");
  for (const { message } of bench.opened.logs) {
    for (const header of used) expect(message).not.toContain(header.split(" ")[1]);
  }
});

test.for([
  ["a token that is no good", { token: "dapi-wrong" }, "RECEIVER_REFUSED", "401"],
  ["a warehouse that is not there", { warehouseId: "wh2" }, "RECEIVER_REFUSED", "does not exist"],
  ["a certificate that is not trusted", { tls: undefined }, "RECEIVER_UNTRUSTED", "not trusted"],
] as const)("%s is said in words", async ([, options, code, word]) => {
  await using bench = await open({ ...insert, ...options });

  const error = await bench.failure();

  expect(error).toMatchObject({ code, retryable: false });
  expect(error.message).toContain(word);
  expect(JSON.stringify([error.message, error.cause, bench.opened.logs])).not.toContain("dapi-");
});

test("a page to log in is recognised before the driver waits for it in vain", async () => {
  await using bench = await open();
  bench.databricks.fault({ on: "sql/warehouses/wh1", answer: "html-login" });

  const error = await bench.failure();

  expect(error).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
  expect(error.message).toContain("text/html");
});

test("who may use a warehouse but not read about it uses it", async () => {
  await using bench = await open();
  bench.databricks.fault({ on: "sql/warehouses/wh1", answer: 403 });

  await bench.deliver();

  expect(bench.databricks.statements).toHaveLength(1);
});

test.for([
  ["never", "TIMEOUT"],
  ["html-login", "TIMEOUT"],
  ["drip", "TIMEOUT"],
  ["cut", "RECEIVER_UNREACHABLE"],
  ["garbage", "RECEIVER_FAILED"],
  [500, "RECEIVER_FAILED"],
  [429, "RECEIVER_FAILED"],
] as const)("an answer of %s to a statement is tried again", async ([answer, code]) => {
  await using bench = await open();
  bench.databricks.fault({ on: "thrift/ExecuteStatement", answer, times: 1 });

  const error = await bench.failure({ signal: AbortSignal.timeout(300) });
  await bench.deliver();

  expect(error).toMatchObject({ code, retryable: true });
  expect(error.message).toContain("ExecuteStatement");
  expect(error.message).toContain("127.0.0.1");
});

test("a workspace that cannot be reached has run nothing, so there is no doubt", async () => {
  await using bench = await open({ statement: "OPTIMIZE t" });
  await bench.deliver({ state: starting });
  await bench.databricks[Symbol.asyncDispose]();
  // The client sees that its connection was closed, too.
  await setTimeout(50);

  const error = await bench.failure({ state: starting });

  expect(error).toMatchObject({ code: "RECEIVER_UNREACHABLE", retryable: true });
  expect(error.message).toContain("ECONNREFUSED");
});

test("Retry-After is passed on", async () => {
  await using bench = await open();
  const answer = { status: 429, headers: { "retry-after": "7" } };
  bench.databricks.fault({ on: "thrift/ExecuteStatement", answer });

  expect(await bench.failure()).toMatchObject({ retryAfterMs: 7_000, scope: "destination" });
});

test("a statement that is answered when nobody waits any more is cancelled and closed", async () => {
  await using bench = await open(insert, { execute: () => ({ runMs: 60_000 }) });
  await bench.deliver();
  bench.databricks.fault({ on: "thrift/ExecuteStatement", answer: "slow", delayMs: 400, times: 1 });

  const error = await bench.failure({ signal: AbortSignal.timeout(100) });
  const early = bench.databricks.calls("thrift/CancelOperation");

  expect([error.code, early]).toEqual(["TIMEOUT", 0]);
  await expect.poll(() => bench.databricks.calls("thrift/CloseOperation")).toBe(1);
  expect(bench.databricks.calls("thrift/CancelOperation")).toBe(1);
  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["RUNNING", "CANCELED"]);
});

test("a statement that is over is closed after a while, for its end may not be stored yet", async () => {
  await using bench = await openSqlBench("driver", insert, { execute: () => ({ runMs: 30_000 }) });

  await bench.end("a");
  await bench.time.advance(minute);
  const kept = [await bench.states(), bench.databricks.openOperations];
  await bench.end("b");
  await bench.time.advance(1_000);
  const both = bench.databricks.openOperations;
  await bench.time.advance(2 * minute);
  await bench.end("c");
  await bench.time.advance(minute);

  expect(kept).toEqual([["delivered"], 1]);
  expect(both).toBe(2);
  expect(bench.databricks.openOperations).toBe(1);
});

test("an attempt that is broken off while the session is opened ends at once, and the session is closed", async () => {
  await using bench = await open();
  bench.databricks.fault({ on: "thrift/OpenSession", answer: "slow", delayMs: 300, times: 1 });

  const error = await bench.failure({ signal: AbortSignal.timeout(100) });
  await bench.deliver();

  expect(error).toMatchObject({ code: "TIMEOUT", retryable: true });
  await expect
    .poll(() => bench.databricks.sessions.map(({ state }) => state).sort())
    .toEqual(["closed", "open"]);
});

test("a statement does not go out on a connection that was idle for long", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  await using bench = await open();
  const connections = () =>
    bench.databricks.requests
      .filter(({ path }) => path.startsWith("/sql/"))
      .map(({ connection }) => connection);

  await bench.deliver();
  await bench.deliver();
  vi.advanceTimersByTime(5_000);
  await bench.deliver();

  const [first, second, third, fourth] = connections();
  expect([second, third]).toEqual([first, first]);
  expect(fourth).not.toBe(first);
});

test("a session that was idle for long is not relied upon", async () => {
  await using bench = await openSqlBench("driver", insert);

  await bench.end("a");
  await bench.time.advance(minute);
  await bench.end("b");
  await bench.time.advance(10 * minute);
  await bench.end("c");
  await bench.time.advance(minute);

  expect(bench.databricks.sessions.map(({ state }) => state)).toEqual(["closed", "open"]);
});

test("a session is not closed over a statement that nobody waits for", async () => {
  await using bench = await openSqlBench(
    "driver",
    { statement: "OPTIMIZE t", waitForCompletion: false },
    { execute: () => ({ runMs: 50 * minute }) },
  );

  await bench.end("a");
  await bench.time.advance(30 * minute);
  await bench.end("b");
  await bench.time.advance(minute);
  await bench.bus.close();

  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["RUNNING", "RUNNING"]);
  expect(bench.databricks.sessions.map(({ state }) => state)).toEqual(["open", "open"]);
});

const long = { statement: "OPTIMIZE t", waitForCompletion: true };

test("a statement that goes on when its process ends is seen through by the next one", async () => {
  let now = 0;
  await using bench = await open(long, {
    now: () => now,
    execute: () => ({ runMs: 60_000, columns: [{ name: "n", type: "BIGINT" }], rows: [["7"]] }),
  });
  const begun = await bench.deliver({ state: starting });
  const { state = null } = begun as { state?: JsonValue };
  await bench.opened[Symbol.asyncDispose]();

  await using next = await bench.another();
  const goesOn = await next.deliver({ state });
  now = 61_000;
  const delivery = createTestDelivery({ state });
  const ended = await next.opened.hook.deliver(delivery);

  expect([begun, goesOn, ended]).toMatchObject([
    { type: "pending" },
    { type: "pending" },
    { type: "delivered" },
  ]);
  expect(delivery.emitted).toMatchObject([
    { type: "databricks.sql.run.completed", fields: { metadata: { rows: [{ n: "7" }] } } },
  ]);
  expect(bench.databricks.statements.map(({ state }) => state)).toEqual(["SUCCEEDED"]);
});

test("several of them are looked at side by side", async () => {
  await using bench = await open(long, { execute: () => ({ runMs: 60_000 }) });
  const begun = await Promise.all(
    Array.from({ length: 5 }, () => bench.deliver({ state: starting })),
  );
  await bench.opened[Symbol.asyncDispose]();

  await using next = await bench.another();
  const looks = begun.map((outcome) => {
    const { state = null } = outcome as { state?: JsonValue };
    return next.deliver({ state, signal: AbortSignal.timeout(2_000) });
  });

  expect(await Promise.all(looks)).toMatchObject(
    begun.map(() => ({ type: "pending", reason: expect.stringContaining("(RUNNING)") })),
  );
  expect(bench.databricks.calls("thrift/GetOperationStatus")).toBe(5);
});

test.for([
  ["that may run twice is run again", { ...insert }, "pending"],
  ["that must not run twice is given up", { ...long }, "RECEIVER_FAILED"],
  [
    "is run again if so asked",
    { ...long, whenUnknown: "trigger_again", retryRun: 1 } as const,
    "pending",
  ],
] as const)("a statement whose session has ended while it ran %s", async ([, options, end]) => {
  await using bench = await open(
    { ...options, waitForCompletion: true },
    { execute: () => ({ runMs: 60_000 }) },
  );
  const first = { ...("statement" in options && { state: starting }) };
  const { state = null } = (await bench.deliver(first)) as { state?: JsonValue };
  bench.databricks.expireSessions();

  const ended = await bench.deliver({ state }).then(
    (outcome) => outcome as { type: string; reason?: string },
    ({ code, message }: HookError) => ({ type: code, reason: message }),
  );

  expect(ended.type).toBe(end);
  expect(ended.reason).toContain("nobody can say how it ended");
});

test("rows beyond one page are counted, up to ten thousand", async () => {
  const rows = (count: number) => ({
    columns: [{ name: "n", type: "INT" }],
    rows: Array.from({ length: count }, (_, at) => [String(at)]),
  });
  const counts: unknown[] = [];
  for (const count of [999, 1_000, 2_500, 12_000]) {
    await using bench = await open(
      { statement: "SELECT n FROM t", repeatable: true, waitForCompletion: true },
      { execute: () => rows(count) },
    );
    const started = (await bench.deliver()) as { state: JsonValue };
    const delivery = createTestDelivery({ state: started.state });
    await bench.opened.hook.deliver(delivery);
    const { row_count, truncated = false } = delivery.emitted[0]?.fields.metadata ?? {};
    counts.push([row_count, truncated]);
  }

  expect(counts).toEqual([
    [999, false],
    [1_000, false],
    [2_500, false],
    [10_000, true],
  ]);
});

test("a server whose protocol is too old for parameters is said so, and takes statements without", async () => {
  const old = { protocolVersion: 42247 };
  await using bench = await open(insert, old);
  await using plain = await open({ statement: "OPTIMIZE t", repeatable: true }, old);

  const error = await bench.failure();
  await plain.deliver();

  expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
  expect(error.message).toContain('Use "transport": "rest"');
  expect(bench.databricks.statements).toEqual([]);
  expect(plain.databricks.statements).toHaveLength(1);
});

test.for([
  [{}, ["@databricks/sql"]],
  [{ transport: "driver" }, ["@databricks/sql"]],
  [{ transport: "rest" }, []],
] as const)("%j needs the packages %j", async ([options, names]) => {
  const { kind } = databricksSql;
  const host = { host: "https://x", token, warehouseId: "w", ...insert, ...options };
  const checked = await kind.options["~standard"].validate(host);

  const needs = typeof kind.needs === "function" && "value" in checked && kind.needs(checked.value);

  expect(needs).toEqual(names);
});

test("without the package it is said what to install, and what to do without", async () => {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(name, context, next) {
        if (name !== "@databricks/sql") return next(name, context);
        throw Object.assign(new Error("Cannot find package '@databricks/sql'"), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });
    const { databricksSql } = await import("@pipehooks/databricks");
    const { openHook } = await import("@pipehooks/testing");
    const options = { host: "https://x", token: "t", warehouseId: "w", insertInto: "t" };
    await openHook(databricksSql, { ...options, transport: "rest" });
    await openHook(databricksSql, options).catch(({ code, message }) => console.log(code, message));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: fileURLToPath(new URL("..", import.meta.url)) },
  );

  expect(stdout).toContain("PACKAGE_MISSING");
  expect(stdout).toContain("npm install @databricks/sql");
  expect(stdout).toContain('"transport: rest"');
});
