import { readFile } from "node:fs/promises";
import { type BatchRecord, type HookError, isHookError, silentLogger } from "@pipehooks/core";
import {
  createAzureLogsReceiver,
  createCloudWatchLogsReceiver,
  createGoogleLoggingReceiver,
  createTestDelivery,
  createTestEvent,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { awsOptions, azureOptions, gcpOptions, openLog } from "./stores.ts";

// What the batcher keeps to is enforced by the receivers: sent by hand, it is refused.

const at = Date.parse("2026-01-15T07:00:00.000Z");
const now = () => at;
const hour = 3_600_000;

type Log = Awaited<ReturnType<typeof openLog>>;

/** What came of records as nobody should send them. */
async function sendRaw(
  log: Log,
  records: readonly BatchRecord[],
): Promise<HookError | readonly unknown[]> {
  const call = { signal: new AbortController().signal, logger: silentLogger };
  try {
    return (await log.hook.batch?.send(records, call)) ?? [];
  } catch (error) {
    if (isHookError(error)) return error;
    throw error;
  }
}

describe("CloudWatch Logs", () => {
  const event = (time: number, message = "x") => ({
    value: { id: "evt", message },
    bytes: message.length,
    time,
  });
  const cases: readonly [string, readonly BatchRecord[], RegExp][] = [
    ["10 001 events", Array.from({ length: 10_001 }, () => event(at)), /10000/],
    ["a byte too many", [event(at, "x".repeat(1_048_576 - 25))], /too large/],
    ["times out of order", [event(at), event(at - 1)], /chronological/],
    ["more than 24 hours", [event(at - 25 * hour), event(at - 1)], /24 hours/],
    ["an empty message", [event(at, "")], /greater than or equal to 1/],
    ["no events", [], /at least 1/],
  ];

  test.for(cases)("refuses %s", async ([, records, why]) => {
    await using logs = await createCloudWatchLogsReceiver({
      now,
      groups: { "/pipelines/prod": null },
    });
    await using log = await openLog(awsOptions(logs));
    await log.send([{}]);

    expect(await sendRaw(log, records)).toMatchObject({
      divisible: true,
      message: expect.stringMatching(why),
    });
    expect(logs.events).toHaveLength(1);
  });

  test("throttles at its rate", async () => {
    await using logs = await createCloudWatchLogsReceiver({
      now,
      groups: { "/pipelines/prod": null },
      callsPerSecond: 2,
    });
    await using log = await openLog(awsOptions(logs));
    await log.send([{}]);

    expect(await log.failure()).toMatchObject({ scope: "destination" });
  });
});

describe("Cloud Logging", () => {
  const entry = (more: object = {}) => ({
    value: {
      severity: "INFO",
      insertId: "evt",
      timestamp: { seconds: at / 1000, nanos: 0 },
      labels: {},
      payload: "x",
      ...more,
    },
    bytes: 100,
  });
  const labels = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, "x"]));
  const cases: readonly [string, object, RegExp][] = [
    ["256 KiB", { payload: "x".repeat(262_144) }, /exceeds maximum size/],
    ["64 labels", { labels }, /65 labels/],
    ["512 bytes of a label's name", { labels: { ["x".repeat(513)]: "" } }, /label key/],
    ["a day ahead", { timestamp: { seconds: at / 1000 + 86_401, nanos: 0 } }, /24h in the future/],
  ];

  test.for(cases)("refuses an entry over %s, and takes the other one", async ([, more, why]) => {
    await using logs = await createGoogleLoggingReceiver({ now });
    await using log = await openLog(gcpOptions(logs));

    const outcomes = await sendRaw(log, [entry(more), entry()]);

    expect(outcomes).toMatchObject([{ message: expect.stringMatching(why) }, undefined]);
    expect(logs.written).toHaveLength(1);
  });

  test("refuses a request over 10 MB as a whole", async () => {
    await using logs = await createGoogleLoggingReceiver({ now });
    await using log = await openLog(gcpOptions(logs));
    const large = Array.from({ length: 41 }, () => entry({ payload: "x".repeat(250_000) }));

    expect(await sendRaw(log, large)).toMatchObject({ divisible: true, code: "RECEIVER_REFUSED" });
    expect(logs.written).toEqual([]);
  });

  test("takes what is older than it keeps, and forgets it", async () => {
    await using logs = await createGoogleLoggingReceiver({ now });
    await using log = await openLog(gcpOptions(logs));
    const old = entry({ timestamp: { seconds: at / 1000 - 31 * 86_400, nanos: 0 } });

    expect(await sendRaw(log, [old])).toEqual([]);
    expect([logs.written.length, logs.forgotten]).toEqual([0, 1]);
  });
});

describe("Azure Monitor", () => {
  test("refuses a body over 1 MiB", async () => {
    await using logs = await createAzureLogsReceiver();
    await using log = await openLog(azureOptions(logs));
    const value = { TimeGenerated: "2026-01-15T06:30:00Z", text: "x".repeat(1_048_576) };

    expect(await sendRaw(log, [{ value, bytes: 1 }])).toMatchObject({
      divisible: true,
      message: expect.stringMatching(/413.*1048576 bytes/),
    });
  });

  test("stores the chunks that were good where its client splits, and only the others are named", async () => {
    await using logs = await createAzureLogsReceiver();
    await using log = await openLog(azureOptions(logs));
    const row = (id: string, length: number) => ({
      value: { id, text: "x".repeat(length) },
      bytes: 1,
    });

    const outcomes = await sendRaw(log, [row("a", 10), row("b", 1_048_576), row("c", 10)]);

    expect(outcomes).toMatchObject([undefined, { code: "RECEIVER_REFUSED" }, undefined]);
    expect(logs.rows["Custom-PipelineEvents"]?.map(({ id }) => id)).toEqual(["a", "c"]);
  });

  test("the rule in the documentation has a column for all that is written, and its transform uses each", async () => {
    const page = await readFile(
      new URL("../../../../docs/cloud-logging.md", import.meta.url),
      "utf8",
    );
    const { properties } = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? "");
    const columns = properties.streamDeclarations["Custom-PipelineEvents"].columns.map(
      ({ name }: { name: string }) => name,
    );
    const event = createTestEvent({
      subject: "s",
      table: "t",
      error: { message: "m", class: "C", code: "E", stack: "at", causes: [{ message: "n" }] },
      causedBy: "evt_0",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      extensions: { a: 1 },
    });
    await using logs = await createAzureLogsReceiver({
      streams: { "Custom-PipelineEvents": { columns } },
    });
    await using log = await openLog(azureOptions(logs));
    const gate = { reason: "max", restIds: [] } as never;

    const delivery = createTestDelivery({ event, gate, count: 2, key: "orders" });
    await log.hook.deliver(delivery);

    const [row = {}] = logs.rows["Custom-PipelineEvents"] ?? [];
    // `time` is there as TimeGenerated already.
    expect([...columns].sort()).toEqual(Object.keys(row).sort());
    const [{ transformKql }] = properties.dataFlows;
    for (const name of columns) expect(transformKql).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
