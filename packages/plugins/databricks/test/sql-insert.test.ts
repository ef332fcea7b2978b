import { databricksSql } from "@pipehooks/databricks";
import {
  createDatabricksReceiver,
  createTestDelivery,
  createTestEvent,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createTable, insert, minute, openSqlBench } from "./sql-bench.ts";

/** What is sent of some rows, each the metadata of an event. */
async function rowsSent(options: object, ...rows: Record<string, string | number | null>[]) {
  await using databricks = await createDatabricksReceiver();
  await using opened = await openHook(databricksSql, {
    ...{ host: databricks.url, token: "dapi-test", warehouseId: "wh1", transport: "rest" },
    ...{ ...insert, mergeOn: false, waitForCompletion: false },
    ...options,
  });
  const events = rows.map((metadata) => createTestEvent({ metadata }));
  const state = "mergeOn" in options ? undefined : starting;
  await opened.hook.deliver(createTestDelivery({ events, state }));
  return databricks.statements[0]?.parameters.rows?.value;
}

/** What a hook that may not run twice stores before its first statement. */
const starting = { phase: "starting", marker: "m1", attempt: 1, again: 0, since: 0 };

test("where a gate gives not all events no row is inserted, and it says what to do", async () => {
  const table = createTable();
  const digest = { digest: { every: "1m", maxEvents: 5 } };
  await using bench = await openSqlBench("rest", insert, table, digest);

  for (let count = 0; count < 7; count += 1) await bench.end(`p${count}`);
  await bench.time.advance(3 * minute);

  const [row] = await bench.bus.store.deliveries({});
  expect(row?.state).toBe("dead");
  expect(row?.reason).toMatch(/^7 events came together, and 5 .* Raise "maxEvents"/);
  expect(table.rows).toEqual([]);
});

test.for([
  ["12345678901234567.890123456789012345", "12345678901234567.890123456789012345"],
  ["-0.10", "-0.10"],
  ["1e3", "1e3"],
  [" 7 ", "7"],
  ["98765432109876543210", "98765432109876543210"],
  [1.5, "1.5"],
  ["+.5", '"+.5"'],
  ["much", '"much"'],
] as const)("the DECIMAL %j is sent as %s", async ([amount, sent]) => {
  const columns = { amount: { value: "${metadata.amount}", type: "DECIMAL(38,18)" } };

  expect(await rowsSent({ columns }, { amount })).toBe(`[{"amount":${sent}}]`);
});

const merged = {
  columns: { run: { value: "${metadata.run}", type: "BIGINT" }, n: "${metadata.n}" },
  mergeOn: "run",
};

test("of the events with one key the first is sent", async () => {
  const rows = [
    { run: 1, n: "a" },
    { run: "1", n: "b" },
    { run: 2, n: "c" },
    { run: 1, n: "d" },
  ];

  expect(await rowsSent(merged, ...rows)).toBe('[{"run":1,"n":"a"},{"run":2,"n":"c"}]');
});

test("a key that is null is refused before anything is sent", async () => {
  const sent = rowsSent(merged, { run: 1, n: "a" }, { run: null, n: "b" });

  await expect(sent).rejects.toMatchObject({
    code: "REQUEST_INVALID",
    retryable: false,
    message: expect.stringMatching(/^Column "run" is null for event .* "mergeOn" \("merge_on"/),
  });
});

test("without a key rows are sent as they are", async () => {
  const { columns } = merged;

  const sent = await rowsSent({ columns }, { run: null, n: "a" }, { run: null, n: "a" });

  expect(sent).toBe('[{"run":null,"n":"a"},{"run":null,"n":"a"}]');
});
