import { inspect } from "node:util";
import { createRedactor, HookError } from "@pipehooks/core";
import {
  type AzureLogsFault,
  createAzureLogsReceiver,
  createTestDelivery,
  createTestEvent,
} from "@pipehooks/testing";
import { describe, expect, test, vi } from "vitest";
import { azureOptions, openLog } from "./stores.ts";

const stream = "Custom-PipelineEvents";

async function open(
  setup: {
    readonly azure?: Parameters<typeof azureOptions>[1];
    readonly more?: Partial<ReturnType<typeof azureOptions>>;
    readonly receiver?: Parameters<typeof createAzureLogsReceiver>[0];
  } = {},
) {
  const logs = await createAzureLogsReceiver(setup.receiver);
  const log = await openLog({ ...azureOptions(logs, setup.azure), ...setup.more });
  return {
    logs,
    log,
    rows: () => logs.rows[stream] ?? [],
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await logs[Symbol.asyncDispose]();
    },
  };
}

describe("an upload", () => {
  test("writes many rows in one call, with the time that tables need", async () => {
    await using it = await open();

    const outcomes = await it.log.send([{ id: "evt_0" }, { id: "evt_1" }]);

    expect(outcomes).toEqual([undefined, undefined]);
    expect(it.logs.calls).toMatchObject([{ status: 204, rows: 2 }]);
    expect(it.rows().map(({ id }) => id)).toEqual(["evt_0", "evt_1"]);
    expect(it.rows()[0]).toMatchObject({
      TimeGenerated: "2026-01-15T06:30:00.000Z",
      severity: "INFO",
      metadata: { duration: 12.5, rows: 1250 },
    });
  });

  test("has as many bytes as are counted, commas and brackets included", async () => {
    await using it = await open();
    const events = ["ä", "€", "😀"].map((text, index) => ({
      id: `evt_${index}`,
      metadata: { text },
    }));

    await it.log.send(events);

    const bytes = events.map(
      (fields) => it.log.record({ event: createTestEvent(fields) }).bytes + 1,
    );
    // The last row has no comma.
    expect(it.logs.calls[0]?.bytes).toBe(2 + bytes.reduce((sum, each) => sum + each) - 1);
  });

  test("of many small rows up to 1 000 000 bytes is one request, which Azure takes", async () => {
    await using it = await open({ more: { record: { n: "${metadata.n}" } } });
    const events: { metadata: { n: number } }[] = [];
    for (let bytes = 2; ; ) {
      const fields = { metadata: { n: events.length } };
      bytes += it.log.record({ event: createTestEvent(fields) }).bytes + 1;
      if (bytes > 1_000_000) break;
      events.push(fields);
    }

    await it.log.send(events);

    expect(it.logs.calls).toMatchObject([{ status: 204, rows: events.length }]);
    expect(it.logs.calls[0]?.bytes).toBeGreaterThan(999_900);
  });

  test("keeps its own time, and a text is a message", async () => {
    await using own = await open({ more: { record: { TimeGenerated: "${metadata.at}" } } });
    await using text = await open({ more: { record: "${type} of ${pipeline}" } });

    await own.log.send([{ metadata: { at: "2026-01-01T00:00:00Z" } }]);
    await text.log.send([{}]);

    expect(own.rows()).toEqual([{ TimeGenerated: "2026-01-01T00:00:00Z" }]);
    expect(text.rows()).toEqual([
      { TimeGenerated: "2026-01-15T06:30:00.000Z", message: "pipeline.end of orders" },
    ]);
  });

  test("has no column over 64 KB: texts are cut with a mark, and objects stay objects", async () => {
    await using it = await open();
    const error = { message: "x", stack: "s".repeat(70_000) };
    const metadata = { text: "ä".repeat(50_000), rows: 3 };

    await it.log.send([{ error, metadata }]);

    const [row] = it.rows();
    expect(Buffer.byteLength(String(row?.error_stack))).toBe(65_536);
    expect(row?.error_stack).toMatch(/… \[cut, 70000 bytes in all\]$/);
    expect(row?.metadata).toMatchObject({
      rows: 3,
      text: expect.stringMatching(/\[cut, 100000 bytes in all\]$/),
    });
    expect(Buffer.byteLength(JSON.stringify(row?.metadata))).toBeLessThanOrEqual(65_536);
  });

  test.for([
    ["numbers", Array.from({ length: 20_000 }, (_, index) => index)],
    ["short texts", Array.from({ length: 6_000 }, (_, index) => `row-${index}-ok`)],
    ["rows", Array.from({ length: 3_000 }, (_, id) => ({ id, name: `row-${id}`, ok: true }))],
    ["longer rows", Array.from({ length: 300 }, (_, id) => ({ id, note: "x".repeat(300) }))],
    ["unlike values", Array.from({ length: 300 }, (_, n) => (n % 3 ? n : "x".repeat(900)))],
  ] as const)("has of a list of many %s the first ones, as JSON", async ([, list]) => {
    await using it = await open();

    await it.log.send([{ metadata: { list, last: "kept" } }]);

    const { metadata } = Object(it.rows()[0]);
    const bytes = Buffer.byteLength(JSON.stringify(metadata));
    expect(bytes).toBeLessThanOrEqual(65_536);
    expect(bytes).toBeGreaterThan(60_000);
    expect(metadata.last).toBe("kept");
    expect(metadata.list.at(-1)).toBe(`… [cut, ${list.length} items in all]`);
    expect(metadata.list.slice(0, -1)).toEqual(list.slice(0, metadata.list.length - 1));
  });

  test.for([
    ["a text", { error: { message: "x", stack: "s".repeat(100_000) } }, "error_stack", 100_000],
    ["an object", { metadata: { list: "x".repeat(50_000).split("") } }, "metadata", 200_010],
  ] as const)(
    "refuses a column over 64 KB where nothing shall be cut: %s",
    async ([, fields, column, bytes]) => {
      await using it = await open({ more: { oversize: "refuse" } });

      expect(await it.log.failure(fields)).toMatchObject({
        code: "REQUEST_INVALID",
        message: `test: the column "${column}" has ${bytes} bytes, and one may have 65536. Write less of the event ("record"), or set "oversize: cut".`,
      });
      expect(it.rows()).toEqual([]);
    },
  );

  test("goes by the user agent of its own name", async () => {
    await using it = await open();

    await it.log.send([{}]);

    expect(it.logs.requests.at(-1)?.headers["user-agent"]).toContain("pipehooks-cloud-logging/");
  });
});

describe("an answer of", () => {
  const retried = { code: "RECEIVER_FAILED", retryable: true };
  const refused = { code: "RECEIVER_REFUSED", retryable: false };
  const cases: readonly [AzureLogsFault["answer"], object][] = [
    [429, { ...retried, scope: "destination", retryAfterMs: undefined }],
    [503, { ...retried, scope: "destination" }],
    [502, { ...retried, scope: "destination" }],
    [500, { ...retried, scope: "delivery" }],
    [408, { ...retried, scope: "delivery" }],
    [400, { ...refused, divisible: true }],
    [413, { ...refused, divisible: true }],
    [404, { ...refused, divisible: false }],
    [501, refused],
    ["cut", { code: "RECEIVER_UNREACHABLE", retryable: true }],
    ["garbage", retried],
  ];

  test.for(cases)("%s is judged, and asked for once", async ([answer, expected]) => {
    await using it = await open();
    using _ = it.logs.fault({ on: "upload", answer });

    expect(await it.log.failure()).toMatchObject(expected);
    expect(it.logs.calls).toHaveLength(1);
  });

  test.for([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after-ms": "1500" }, 1500],
    [{ "x-ms-retry-after-ms": "2500" }, 2500],
  ] as const)("429 with %j waits %s ms", async ([headers, wait]) => {
    await using it = await open();
    using _ = it.logs.fault({ on: "upload", answer: 429, headers });

    expect((await it.log.failure()).retryAfterMs).toBe(wait);
  });

  test.for([
    [5, 5000],
    [null, undefined],
  ] as const)(
    "the receiver's own 429 with Retry-After %s waits %s ms",
    async ([retryAfter, wait]) => {
      await using it = await open({ receiver: { callsPerSecond: 1, retryAfter } });
      await it.log.send([{}]);

      expect(await it.log.failure()).toMatchObject({ scope: "destination", retryAfterMs: wait });
    },
  );

  test("403 names the role", async () => {
    await using it = await open({ receiver: { mayPublish: false } });

    expect((await it.log.failure()).message).toMatch(/403.*Monitoring Metrics Publisher/);
  });

  test("404 names what to check", async () => {
    await using it = await open({ azure: { dcr: "dcr-ffffffffffffffffffffffffffffffff" } });

    expect((await it.log.failure()).message).toMatch(
      /404.*not found\. Check "endpoint", "dcr" and "stream"\./,
    );
  });
});

describe("the end of a call", () => {
  test("comes at requestTimeout where nothing is answered", async () => {
    await using it = await open({ more: { requestTimeout: "500ms" } });
    await it.log.send([{}]);
    using _ = it.logs.fault({ on: "upload", answer: "never" });
    const startedAt = performance.now();

    expect(await it.log.failure()).toMatchObject({ code: "TIMEOUT", retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(2500);
  });

  test("comes at once with the signal, and nothing is sent for one that has aborted", async () => {
    await using it = await open();
    using _ = it.logs.fault({ on: "upload", answer: "never" });
    const reason = new HookError("ABORTED", "closing", { retryable: true });
    const controller = new AbortController();
    const attempt = it.log.failure({}, controller.signal);
    await vi.waitFor(() => expect(it.logs.calls).toHaveLength(1));
    const startedAt = performance.now();

    controller.abort(reason);

    expect(await attempt).toBe(reason);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await it.log.failure({}, AbortSignal.abort(reason))).toBe(reason);
    expect(it.logs.calls).toHaveLength(1);
  });

  test("a certificate that is not trusted lets nobody in, and where to give its issuer is said", async () => {
    await using it = await open({ azure: { ca: undefined } });

    expect(await it.log.failure()).toMatchObject({
      retryable: true,
      message: expect.stringMatching(
        /could not sign in.*"authorityHost" \("authority_host" in YAML\), check "ca"/,
      ),
    });
  });
});

describe("signing in", () => {
  test("happens once for many calls", async () => {
    await using it = await open();

    await it.log.send([{}]);
    await it.log.send([{}]);

    const tokens = it.logs.requests.filter(({ path }) => path.includes("/oauth2/v2.0/token"));
    expect(tokens).toHaveLength(1);
  });

  test.for(["clientSecret", "clientId"] as const)("with a wrong %s is refused", async (what) => {
    await using it = await open({ azure: { [what]: "8c1d2e3f-4a5b-6978-8796-a5b4c3d2e1f0" } });

    expect(await it.log.failure()).toMatchObject({
      code: "RECEIVER_REFUSED",
      retryable: false,
      message: expect.stringMatching(
        /Entra ID.*AADSTS700\d+.*"clientSecret" \("client_secret" in YAML\)/,
      ),
    });
  });

  test("that fails for the moment is worth another attempt", async () => {
    await using it = await open();
    using _ = it.logs.fault({ on: "token", answer: 503, times: 1 });

    expect(await it.log.failure()).toMatchObject({ retryable: true });
    expect(await it.log.send([{}])).toEqual([undefined]);
  });

  test("goes by the environment where no secret is given", async () => {
    await using logs = await createAzureLogsReceiver();
    vi.stubEnv("AZURE_TENANT_ID", logs.signIn.tenantId);
    vi.stubEnv("AZURE_CLIENT_ID", logs.signIn.clientId);
    vi.stubEnv("AZURE_CLIENT_SECRET", logs.signIn.clientSecret);
    vi.stubEnv("AZURE_AUTHORITY_HOST", logs.url);
    const { url: endpoint, dcr, ca } = logs;

    await using log = await openLog({ provider: "azure", azure: { endpoint, dcr, stream, ca } });

    expect(await log.send([{}])).toEqual([undefined]);
  });

  test("never lets its secret or its token out", async () => {
    const seen: unknown[] = [];
    await using it = await open({ more: { record: "${id} ${metadata.text:-}" } });
    const { clientSecret } = it.logs.signIn;
    for (const answer of [429, 400, 403, "cut"] as const) {
      using _ = it.logs.fault({ on: "upload", answer });
      seen.push(await it.log.failure());
    }
    const event = createTestEvent({ metadata: { text: clientSecret } });
    seen.push(await it.log.hook.render?.(createTestDelivery({ event })), it.log.logs);

    const text = inspect(seen, { depth: 12, maxStringLength: null, showHidden: true });
    expect(it.log.secrets).toEqual([clientSecret]);
    expect(createRedactor([clientSecret])(text)).toBe(text);
    expect(text).not.toMatch(/Bearer test\./);
  });
});

describe("check", () => {
  const signal = new AbortController().signal;

  test("signs in and sends no row", async () => {
    await using it = await open();

    expect((await it.log.hook.check?.(signal))?.summary).toContain(`takes rows for ${stream}`);
    expect(it.logs.calls).toMatchObject([{ rows: 0 }]);
    expect(it.rows()).toEqual([]);
  });

  test("names what is wrong", async () => {
    await using role = await open({ receiver: { mayPublish: false } });
    await using secret = await open({ azure: { clientSecret: "wrong" } });
    await using other = await open({ azure: { stream: "Custom-Other" } });

    await expect(role.log.hook.check?.(signal)).rejects.toMatchObject({
      message: expect.stringContaining("Monitoring Metrics Publisher"),
    });
    await expect(secret.log.hook.check?.(signal)).rejects.toMatchObject({
      message: expect.stringContaining("clientSecret"),
    });
    await expect(other.log.hook.check?.(signal)).rejects.toMatchObject({
      message: expect.stringContaining("InvalidStream"),
    });
  });
});

test("a table with the plan Auxiliary does not take more than half an hour in a call", async () => {
  await using it = await open({ receiver: { streams: { [stream]: { auxiliary: true } } } });
  const times = ["2026-01-15T06:00:00.000Z", "2026-01-15T06:31:00.000Z"];

  await expect(it.log.send(times.map((time) => ({ time })))).rejects.toMatchObject({
    divisible: true,
  });
});

test("what it renders is what it writes", async () => {
  await using it = await open();

  const rendered = await it.log.hook.render?.(createTestDelivery());
  await it.log.send([{}]);

  expect(rendered?.target).toBe(
    `POST ${it.logs.url}/dataCollectionRules/${it.logs.dcr}/streams/${stream}?api-version=2023-01-01`,
  );
  expect(rendered?.body).toEqual(it.rows());
});

test("what a route test says was answered is judged as if it had been", async () => {
  await using it = await open();
  const answered = (status: number, headers = {}) =>
    it.log.hook.answered?.({ status, headers, body: null }, createTestDelivery());

  expect(answered(204)).toMatchObject({ type: "delivered" });
  expect(() => answered(429, { "retry-after": "3" })).toThrow(
    expect.objectContaining({ scope: "destination", retryAfterMs: 3000 }),
  );
  expect(() => answered(403)).toThrow(expect.objectContaining({ retryable: false }));
});

test("a hook can be disposed twice", async () => {
  await using it = await open();
  await it.log.send([{}]);

  await it.log[Symbol.asyncDispose]();
  await it.log[Symbol.asyncDispose]();
});
