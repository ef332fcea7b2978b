import { databricksSql } from "@pipehooks/databricks";
import { createTestDelivery, openHook } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createTable, insert, minute, openSqlBench } from "./sql-bench.ts";

const plain = { statement: "CALL load(:day)", parameters: { day: "${metadata.day:-today}" } };

test.for([0, minute])("over REST what is closed has succeeded (%d ms)", async (runMs) => {
  const execute = () => ({ runMs, closed: true });
  await using bench = await openSqlBench("rest", plain, { execute });

  await bench.end();
  await bench.time.advance(4 * minute);

  expect(await bench.states()).toEqual(["delivered"]);
  expect(bench.heard).toMatchObject([
    { type: "databricks.sql.run.completed", metadata: { label: "CLOSED" } },
  ]);
  expect(bench.heard[0]?.metadata).not.toHaveProperty("row_count");
});

test.for([
  ["that must not run twice is given up", plain, ["dead"], 1],
  ["that may run twice is run again", { ...plain, repeatable: true }, ["delivered"], 2],
] as const)("over the driver what is closed is lost: one %s", async ([, options, end, sent]) => {
  let runs = 0;
  await using bench = await openSqlBench("driver", options, {
    execute: () => {
      runs += 1;
      return { closed: runs === 1 };
    },
  });

  await bench.end();
  await bench.time.advance(10 * minute);

  expect(await bench.states()).toEqual(end);
  expect(bench.databricks.statements).toHaveLength(sent);
});

test.for(["give_up", "trigger_again"] as const)(
  "a field that a template misses is said so, whenUnknown being %s",
  async (whenUnknown) => {
    const parameters = { day: "${metadata.day}" };
    await using bench = await openSqlBench("rest", { ...plain, parameters, whenUnknown });

    await bench.end();
    await bench.time.advance(10 * minute);

    const [row] = await bench.bus.store.deliveries({});
    const attempts = await bench.bus.store.attempts(row?.id ?? 0);
    expect(row?.reason).toMatch(/^The event has no field "metadata.day"/);
    expect(attempts.map(({ code }) => code)).toEqual(["TEMPLATE_FIELD_MISSING"]);
    expect(bench.databricks.statements).toEqual([]);
  },
);

test.for(["rest", "driver"] as const)(
  "over %s what fails at once is not delivered, though nobody waits for its end",
  async (transport) => {
    await using bench = await openSqlBench(
      transport,
      { ...plain, waitForCompletion: false },
      { execute: () => ({ error: { code: "BAD_REQUEST", message: "[TABLE_NOT_FOUND] t" } }) },
    );

    await bench.end();
    await bench.time.advance(10 * minute);

    const [row] = await bench.bus.store.deliveries({});
    expect(row?.state).toBe("dead");
    expect(row?.reason).toMatch(
      /^SQL on warehouse wh1: run .{36} failed \(\w+: \[TABLE_NOT_FOUND\] t\)\.$/,
    );
    expect(bench.databricks.statements).toHaveLength(1);
  },
);

test("what fails at once and may run twice is tried again where that may help", async () => {
  const table = createTable();
  let runs = 0;
  await using bench = await openSqlBench(
    "rest",
    { ...insert, waitForCompletion: false },
    {
      execute: (statement) => {
        runs += 1;
        if (runs > 1) return table.execute?.(statement) ?? {};
        return { error: { code: "TEMPORARILY_UNAVAILABLE", message: "maintenance" } };
      },
    },
  );

  await bench.end();
  await bench.time.advance(10 * minute);

  expect(await bench.states()).toEqual(["delivered"]);
  expect(table.rows).toHaveLength(1);
});

test("a secret that looks like JSON is hidden in texts, and breaks nothing else", async () => {
  await using opened = await openHook(databricksSql, {
    ...{ host: "https://x", token: "null", warehouseId: "wh1" },
    ...{ statement: "CALL load(:a, :b)", parameters: { a: "a null", b: null } },
  });

  const rendered = await opened.hook.render?.(createTestDelivery());

  expect(rendered?.body).toMatchObject({
    parameters: [
      { name: "a", value: "a [redacted]" },
      { name: "b", value: null },
    ],
  });
});
