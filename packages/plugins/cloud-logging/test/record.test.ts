import { type cloudLogging, severityOf } from "@pipehooks/cloud-logging";
import type { Delivery, PipehooksEvent } from "@pipehooks/core";
import { createTestDelivery, createTestEvent } from "@pipehooks/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openLog } from "./stores.ts";

const aws = { logGroup: "/g", region: "eu-west-1", accessKeyId: "AKIA", secretAccessKey: "s3cret" };

/** The message that would be written. */
async function messageOf(
  delivery: Partial<Delivery>,
  more: Partial<Parameters<typeof cloudLogging>[0]> = {},
): Promise<string> {
  await using log = await openLog({ provider: "aws", aws, ...more });
  const { value } = log.record(delivery);
  return (value as { readonly message: string }).message;
}

const error = {
  message: "disk full",
  class: "OSError",
  code: "ENOSPC",
  severity: "CRITICAL",
  stack: "OSError: disk full\n    at load",
  causes: [{ class: "Error", message: "no space" }],
} as const;

describe("the record without a template", () => {
  test("is flat and has all that the event says", async () => {
    const event = createTestEvent({
      type: "pipeline.error",
      subject: "orders/2026-01-15",
      table: "raw.orders",
      error,
      causedBy: "evt_0",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      extensions: { region: "eu" },
    });

    expect(JSON.parse(await messageOf({ event }))).toEqual({
      id: event.id,
      time: "2026-01-15T06:30:00.000Z",
      severity: "CRITICAL",
      message: "pipeline.error orders/ingest/load: disk full",
      type: "pipeline.error",
      source: "/pipelines/test",
      subject: "orders/2026-01-15",
      pipeline: "orders",
      flowgroup: "ingest",
      action: "load",
      table: "raw.orders",
      run_id: "run_1",
      error_message: "disk full",
      error_class: "OSError",
      error_code: "ENOSPC",
      error_stack: "OSError: disk full\n    at load",
      error_causes: [{ class: "Error", message: "no space" }],
      metadata: { duration: 12.5, rows: 1250 },
      caused_by: "evt_0",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      span_id: "b7ad6b7169203331",
      extensions: { region: "eu" },
    });
  });

  test("leaves out what the event does not say", async () => {
    const { pipeline: _, flowgroup: _f, action: _a, runId: _r, ...bare } = createTestEvent();
    const event = { ...bare, type: "table.created", table: "raw.orders", metadata: {} };

    expect(Object.keys(JSON.parse(await messageOf({ event })))).toEqual(
      "id time severity message type source table".split(" "),
    );
    expect(JSON.parse(await messageOf({ event })).message).toBe("table.created raw.orders");
  });

  test("of what a gate let through says of how many events, and is another one for another group", async () => {
    const delivery = {
      gate: { reason: "max", restIds: [] } as never,
      count: 40,
      key: "orders",
      idempotencyKey: "whk_digest_7",
    };

    expect(JSON.parse(await messageOf(delivery))).toMatchObject({
      event_count: 40,
      group_key: "orders",
    });
  });

  test("has no half characters, which no UTF-8 carries", async () => {
    const event = createTestEvent({ metadata: { text: "half: \ud83d" } });

    expect(JSON.parse(await messageOf({ event })).metadata.text).toBe("half: \ufffd");
  });
});

describe("a template", () => {
  test("that is an object becomes JSON, values keep their types", async () => {
    const record = { id: "${id}", rows: "${metadata.rows}", text: "${pipeline}: ${type}" };

    expect(JSON.parse(await messageOf({}, { record }))).toEqual({
      id: createTestEvent().id,
      rows: 1250,
      text: "orders: pipeline.end",
    });
  });

  test("that is a text becomes the message", async () => {
    expect(await messageOf({}, { record: "${id} ${type} took ${metadata.duration} s" })).toBe(
      "01936c4e-8a00-7000-8000-000000000001 pipeline.end took 12.5 s",
    );
  });

  test("that is one reference becomes what it refers to", async () => {
    expect(await messageOf({}, { record: "${metadata}" })).toBe('{"duration":12.5,"rows":1250}');
    expect(await messageOf({}, { record: "${metadata.rows}" })).toBe("1250");
  });

  test("that reads what the event lacks is refused, and the field named", async () => {
    await expect(messageOf({}, { record: "${metadata.nothing}" })).rejects.toMatchObject({
      code: "TEMPLATE_FIELD_MISSING",
    });
  });

  test("that becomes nothing is refused where nothing cannot be written", async () => {
    await expect(messageOf({}, { record: "${metadata.nothing:-}" })).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      message: expect.stringContaining("empty"),
    });
  });
});

describe("the severity", () => {
  const cases: readonly [Partial<PipehooksEvent>, string][] = [
    [{ type: "pipeline.end" }, "INFO"],
    [{ type: "pipeline.error" }, "ERROR"],
    [{ type: "pipeline.error", error: { message: "x" } }, "ERROR"],
    [{ type: "pipeline.error", error: { message: "x", severity: "WARNING" } }, "WARNING"],
    [{ type: "pipeline.end", error: { message: "x", severity: "CRITICAL" } }, "CRITICAL"],
    [{ type: "dbt.run.failed" }, "ERROR"],
    [{ type: "hex.run.cancelled" }, "WARNING"],
    [{ type: "pipehooks.delivery.dead" }, "ERROR"],
    [{ type: "pipehooks.absence.missed" }, "ERROR"],
    [{ type: "pipehooks.join.incomplete" }, "WARNING"],
    [{ type: "pipehooks.destination.paused" }, "WARNING"],
    [{ type: "constructor" }, "INFO"],
  ];

  test.for(cases)("of %j is %s", ([fields, severity]) => {
    expect(severityOf(createTestEvent(fields))).toBe(severity);
  });
});

describe("a record that is too large", () => {
  const large = createTestEvent({
    metadata: { text: "ä".repeat(40_000), short: "kept", list: ["b".repeat(50_000), 7] },
  });
  const batch = { maxBytes: "32KiB" };

  test("has its longest texts cut, with a mark, and stays JSON", async () => {
    const message = await messageOf({ event: large }, { batch });

    const { metadata, id } = JSON.parse(message);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(32_768 - 26);
    expect(Buffer.byteLength(message)).toBeGreaterThan(15_000);
    expect(id).toBe(large.id);
    expect(metadata.short).toBe("kept");
    expect(metadata.text).toMatch(/^ä+… \[cut, 80000 bytes in all\]$/);
    expect(metadata.list[0]).toMatch(/^b+… \[cut, 50000 bytes in all\]$/);
    expect(metadata.list[1]).toBe(7);
  });

  test("is refused where nothing shall be cut", async () => {
    await expect(messageOf({ event: large }, { batch, oversize: "refuse" })).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      retryable: false,
      message: expect.stringMatching(/has 13\d{4} bytes, and one may have 32742.*oversize: cut/),
    });
  });

  test("has what is largest cut by its last items where its texts are short", async () => {
    const numbers = Array.from({ length: 20_000 }, (_, index) => index);
    const flags = Object.fromEntries(numbers.map((number) => [`flag_${number}`, true]));
    const event = createTestEvent({
      metadata: { numbers, flags, rows: 3 },
      extensions: { a: "b" },
    });

    const { metadata, extensions } = JSON.parse(await messageOf({ event }, { batch }));

    expect(metadata.numbers.at(-1)).toBe("… [cut, 20000 items in all]");
    expect(metadata.flags).toMatchObject({ flag_0: true, "…": "[cut, 20000 fields in all]" });
    expect(metadata.rows).toBe(3);
    expect(extensions).toEqual({ a: "b" });
  });

  test("fits whatever it is made of, stays JSON, and is as it was where nothing says that it is cut", async () => {
    await using log = await openLog({ provider: "aws", aws, batch, record: "${metadata}" });
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constant("\u0001\n".repeat(900)));
    const value = fc.jsonValue({ maxDepth: 6, stringUnit: "binary" });
    const many = fc.array(fc.oneof(value, text), { maxLength: 12 });
    const part = fc.tuple(many, fc.integer({ min: 1, max: 200 }));
    await fc.assert(
      fc.property(fc.dictionary(fc.string(), part, { maxKeys: 5 }), (parts) => {
        const metadata = JSON.parse(
          JSON.stringify(
            Object.fromEntries(
              Object.entries(parts).map(([key, [items, times]]) => [
                key,
                items.length === 0 ? [] : Array.from({ length: times }, () => items).flat(),
              ]),
            ),
          ),
        );

        const { value, bytes } = log.record({ event: createTestEvent({ metadata }) });

        const { message } = value as { readonly message: string };
        const written = JSON.parse(message);
        expect(bytes).toBeLessThanOrEqual(32_768 - 26);
        if (!message.includes("[cut, ")) expect(written).toEqual(metadata);
      }),
      { numRuns: 50 },
    );
  });

  test("is refused where there is no room for anything", async () => {
    await expect(messageOf({ event: large }, { batch: { maxBytes: "60B" } })).rejects.toMatchObject(
      { code: "REQUEST_INVALID" },
    );
  });
});

test("it is rendered as it is written, without secrets", async () => {
  await using log = await openLog({ provider: "aws", aws, record: "${id} key s3cret" });

  const rendered = await log.hook.render?.(createTestDelivery());

  expect(rendered).toEqual({
    target: "PutLogEvents to CloudWatch Logs in eu-west-1, /g, a stream of the process",
    body: {
      timestamp: Date.parse("2026-01-15T06:30:00.000Z"),
      message: "01936c4e-8a00-7000-8000-000000000001 key [redacted]",
    },
  });
});
