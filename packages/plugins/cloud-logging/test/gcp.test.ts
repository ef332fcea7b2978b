import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { createRedactor, HookError, isHookError, type JsonValue } from "@pipehooks/core";
import {
  createGoogleLoggingReceiver,
  createTestDelivery,
  createTestEvent,
  type GoogleLoggingFault,
} from "@pipehooks/testing";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { gcpOptions, openLog } from "./stores.ts";

const at = Date.parse("2026-01-15T07:00:00.000Z");
const day = 86_400_000;
const now = () => at;
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async function open(
  setup: {
    readonly gcp?: Parameters<typeof gcpOptions>[1];
    readonly more?: Partial<ReturnType<typeof gcpOptions>>;
    readonly receiver?: Parameters<typeof createGoogleLoggingReceiver>[0];
  } = {},
) {
  const logs = await createGoogleLoggingReceiver({ now, ...setup.receiver });
  const log = await openLog({ ...gcpOptions(logs, setup.gcp), ...setup.more });
  return {
    logs,
    log,
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await logs[Symbol.asyncDispose]();
    },
  };
}

describe("entries.write", () => {
  test("writes many entries in one call, structured, with severity, labels, resource and trace", async () => {
    await using it = await open();
    const metadata = { rows: 3, ratio: 0.5, ok: true, none: null, list: [1, { deep: ["x"] }] };
    const error = { message: "disk full", severity: "CRITICAL" } as const;

    const outcomes = await it.log.send([
      { id: "evt_0", type: "pipeline.error", table: "raw.orders", metadata, error, traceparent },
      { id: "evt_1" },
    ]);

    expect(outcomes).toEqual([undefined, undefined]);
    expect(it.logs.calls).toMatchObject([{ entries: 2, refused: undefined }]);
    expect(it.logs.entries[0]).toEqual({
      logName: "projects/pipehooks-test/logs/pipehooks",
      insertId: expect.stringMatching(/^evt_0\.[0-9a-f]{12}$/),
      timestamp: "2026-01-15T06:30:00.000000000Z",
      severity: "CRITICAL",
      resource: { type: "global", labels: {} },
      labels: {
        type: "pipeline.error",
        pipeline: "orders",
        flowgroup: "ingest",
        action: "load",
        table: "raw.orders",
        run_id: "run_1",
      },
      trace: "projects/pipehooks-test/traces/0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceSampled: true,
      jsonPayload: expect.objectContaining({ id: "evt_0", severity: "CRITICAL", metadata }),
    });
    expect(it.logs.entries[1]).toMatchObject({ severity: "INFO", trace: "", traceSampled: false });
  });

  test("keeps the time exact: entries are told apart by it", async () => {
    await using it = await open();

    await it.log.send([{ time: "2026-01-15T06:30:00.345Z" }]);

    expect(it.logs.entries[0]?.timestamp).toBe("2026-01-15T06:30:00.345000000Z");
  });

  test("a text becomes textPayload", async () => {
    await using it = await open({ more: { record: "${type} of ${pipeline}" } });

    await it.log.send([{}]);

    expect(it.logs.entries[0]).toMatchObject({ textPayload: "pipeline.end of orders" });
    expect(it.logs.entries[0]).not.toHaveProperty("jsonPayload");
  });

  test("log, resource and labels are those of the options", async () => {
    await using it = await open({
      gcp: {
        logName: "pipelines/prod",
        resource: { type: "generic_task", labels: { job: "orders" } },
        labels: { team: "data", rows: "${metadata.rows}", none: "${metadata.none:-null}" },
      },
    });

    await it.log.send([{}]);

    expect(it.logs.entries[0]).toMatchObject({
      logName: "projects/pipehooks-test/logs/pipelines%2Fprod",
      resource: { type: "generic_task", labels: { job: "orders" } },
    });
    expect(it.logs.entries[0]?.labels).toEqual({ team: "data", rows: "1250", none: "" });
  });

  test("labels are cut where Google would", async () => {
    await using it = await open();

    await it.log.send([{ subject: "x", pipeline: "p".repeat(70_000) }]);

    const label = it.logs.entries[0]?.labels.pipeline ?? "";
    expect(Buffer.byteLength(label)).toBe(65_536);
    expect(label).toMatch(/… \[cut, 70000 bytes in all\]$/);
  });

  test("adds no entry about the client", async () => {
    await using it = await open();

    await it.log.send([{}]);
    await it.log.send([{ id: "evt_2" }]);

    expect(it.logs.written.map(({ logName }) => logName)).toEqual([
      "projects/pipehooks-test/logs/pipehooks",
      "projects/pipehooks-test/logs/pipehooks",
    ]);
  });

  test("what is written twice is one entry", async () => {
    await using it = await open();
    using _ = it.logs.fault({ answer: "cut", effect: true, times: 1 });

    const error = await it.log.failure();
    await it.log.send([{}]);

    expect(error.retryable).toBe(true);
    expect([it.logs.written.length, it.logs.entries.length]).toEqual([2, 1]);
  });

  test("of two sources with an equal id in the same millisecond is two entries, each of them once", async () => {
    await using it = await open();
    const events = ["/pipelines/a", "/pipelines/b"].map((source) => ({ id: "1", source }));

    await it.log.send(events);
    await it.log.send(events);

    expect(it.logs.written).toHaveLength(4);
    expect(it.logs.entries.map(({ jsonPayload }) => Object(jsonPayload).source)).toEqual([
      "/pipelines/a",
      "/pipelines/b",
    ]);
  });

  test("values come out as they went in, and their bytes are known to the last one", async () => {
    await using it = await open();
    const value = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<JsonValue>;
    await fc.assert(
      fc.asyncProperty(value, fc.string({ unit: "binary" }), async (value, text) => {
        const event = createTestEvent({
          // What an event carries is JSON already.
          metadata: JSON.parse(JSON.stringify({ value, text: text.toWellFormed() })),
          traceparent,
        });

        await it.log.hook.deliver(createTestDelivery({ event }));

        const { bytes } = it.log.record({ event });
        const written = it.logs.written.at(-1)?.jsonPayload as { metadata: unknown };
        expect(written.metadata).toEqual(event.metadata);
        // Names of log and resource, partial success; tag and length of the entry.
        const around = (it.logs.calls.at(-1)?.bytes ?? 0) - bytes;
        expect(around).toBeGreaterThan(0);
        expect(around).toBeLessThan(100);
        expect(around - (bytes < 128 ? 2 : bytes < 16_384 ? 3 : 4)).toBe(
          "\n\u0026projects/pipehooks-test/logs/pipehooks\u0012\b\n\u0006global(\u0001".length,
        );
      }),
      { numRuns: 40 },
    );
  });

  test("values that are nested deeper than protocol buffers are read become texts", async () => {
    await using it = await open();
    let deep: JsonValue = "bottom";
    for (let level = 0; level < 90; level += 1) deep = { level: deep };

    expect(await it.log.send([{ metadata: { deep } }])).toEqual([undefined]);
    expect(JSON.stringify(it.logs.entries[0]?.jsonPayload)).toContain('{\\"level\\":');
  });

  test("an entry over 250 000 bytes is cut with a mark", async () => {
    await using it = await open();

    expect(await it.log.send([{ metadata: { text: "x".repeat(300_000) } }])).toEqual([undefined]);
    const payload = it.logs.entries[0]?.jsonPayload;
    expect(Reflect.get(Reflect.get(Object(payload), "metadata"), "text")).toMatch(
      /\[cut, 300000 bytes in all\]$/,
    );
    expect(it.logs.calls[0]?.bytes).toBeLessThan(250_100);
  });

  test("an entry with very many short texts is cut to 250 000 bytes, too", async () => {
    await using it = await open();
    const rows = Array.from({ length: 20_000 }, (_, index) => `row-${index}-ok`);
    const error = { message: "disk full", stack: "    at load\n".repeat(400) };

    expect(await it.log.send([{ metadata: { rows, last: true }, error }])).toEqual([undefined]);

    const { metadata, error_stack } = Object(it.logs.entries[0]?.jsonPayload);
    expect(it.logs.calls[0]?.bytes).toBeLessThan(250_100);
    expect(it.logs.calls[0]?.bytes).toBeGreaterThan(200_000);
    expect(metadata.rows.at(-2)).toMatch(/^row-\d+-ok$/);
    expect(metadata.rows.at(-1)).toBe("… [cut, 20000 items in all]");
    expect(metadata.last).toBe(true);
    expect(error_stack).toBe(error.stack);
  });

  test("a call of 9 900 000 bytes is taken", async () => {
    await using it = await open();
    const { maxBytes, recordOverhead = 0, callOverhead = 0 } = limits();
    const events = [];
    let bytes = callOverhead;
    for (let number = 0; ; number += 1) {
      const fields = { id: `evt_${number}`, metadata: { text: "x".repeat(200_000) } };
      bytes += it.log.record({ event: createTestEvent(fields) }).bytes + recordOverhead;
      if (bytes > maxBytes) break;
      events.push(fields);
    }

    const outcomes = await it.log.send(events);

    expect(outcomes.every((outcome) => outcome === undefined)).toBe(true);
    expect(it.logs.calls[0]?.bytes).toBeGreaterThan(9_600_000);
    expect(it.logs.written).toHaveLength(events.length);
  });

  function limits() {
    return { maxBytes: 9_900_000, recordOverhead: 5, callOverhead: 2048 };
  }
});

describe("entries that Google does not take", () => {
  test("are named, and the others are written", async () => {
    await using it = await open();

    const outcomes = await it.log.send([
      { id: "evt_0" },
      { id: "evt_1", time: new Date(at + 2 * day).toISOString() },
      { id: "evt_2" },
    ]);

    expect(outcomes.map((outcome) => isHookError(outcome))).toEqual([false, true, false]);
    expect(outcomes[1]).toMatchObject({
      code: "RECEIVER_REFUSED",
      retryable: false,
      message: expect.stringMatching(/INVALID_ARGUMENT.*evt_1.*24h in the future/),
    });
    expect(it.logs.written.map(({ jsonPayload }) => Object(jsonPayload).id)).toEqual([
      "evt_0",
      "evt_2",
    ]);
  });

  test("are a whole call that may be divided, where none is named", async () => {
    await using it = await open({ receiver: { projects: ["pipehooks-test"] } });
    using _ = it.logs.fault({ answer: "INVALID_ARGUMENT" });

    expect(await it.log.failure()).toMatchObject({ code: "RECEIVER_REFUSED", divisible: true });
  });

  test("are named by the permission that is missing in another project", async () => {
    await using it = await open({ gcp: { projectId: "another-project" } });

    const [outcome] = await it.log.send([{}]);

    expect(outcome).toMatchObject({
      code: "RECEIVER_REFUSED",
      message: expect.stringMatching(/PERMISSION_DENIED.*roles\/logging\.logWriter/),
    });
  });
});

describe("an answer of", () => {
  const retried = { code: "RECEIVER_FAILED", retryable: true };
  const refused = { code: "RECEIVER_REFUSED", retryable: false };
  const cases: readonly [GoogleLoggingFault["answer"], object][] = [
    ["RESOURCE_EXHAUSTED", { ...retried, scope: "destination" }],
    ["UNAVAILABLE", { ...retried, scope: "destination" }],
    ["INTERNAL", { ...retried, scope: "delivery" }],
    ["DEADLINE_EXCEEDED", { ...retried, scope: "delivery" }],
    ["UNKNOWN", { ...retried, scope: "delivery" }],
    ["ABORTED", { ...retried, scope: "delivery" }],
    ["UNAUTHENTICATED", refused],
    ["PERMISSION_DENIED", refused],
    ["NOT_FOUND", refused],
    ["FAILED_PRECONDITION", refused],
    ["cut", { ...retried, scope: "destination" }],
    ["garbage", { ...retried }],
  ];

  test.for(cases)("%s is judged, and asked for once", async ([answer, expected]) => {
    await using it = await open();
    using _ = it.logs.fault({ answer });

    expect(await it.log.failure()).toMatchObject(expected);
    expect(it.logs.calls).toHaveLength(1);
  });

  test.for([
    ["NOT_FOUND", '"projectId" ("project_id" in YAML)'],
    ["UNAUTHENTICATED", '"keyFile" ("key_file" in YAML)'],
  ] as const)("%s says what to check, in code and in YAML", async ([answer, option]) => {
    await using it = await open();
    using _ = it.logs.fault({ answer });

    expect((await it.log.failure()).message).toContain(`Check ${option}`);
  });

  test("RESOURCE_EXHAUSTED comes of too much in too short a time, too", async () => {
    await using it = await open({ receiver: { callsPerSecond: 1 } });
    await it.log.send([{}]);

    expect(await it.log.failure()).toMatchObject({ scope: "destination" });
    expect(it.logs.written).toHaveLength(1);
  });
});

describe("the end of a call", () => {
  test("comes at requestTimeout where nothing is answered", async () => {
    await using it = await open({ more: { requestTimeout: "300ms" } });
    await it.log.send([{}]);
    using _ = it.logs.fault({ answer: "never" });
    const startedAt = performance.now();

    const error = await it.log.failure();

    expect(error).toMatchObject({ retryable: true });
    expect(error.code).toMatch(/^(?:TIMEOUT|RECEIVER_FAILED)$/);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  test("comes at once with the signal, and nothing is sent for one that has aborted", async () => {
    await using it = await open();
    using _ = it.logs.fault({ answer: "never" });
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

  test("a receiver that is not there is worth another attempt, and is found again", async () => {
    await using it = await open();
    await it.log.send([{}]);
    await it.logs[Symbol.asyncDispose]();

    expect(await it.log.failure()).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
  });
});

describe("check", () => {
  const signal = new AbortController().signal;

  test("is a dry run, which writes nothing", async () => {
    await using it = await open();

    expect((await it.log.hook.check?.(signal))?.summary).toContain("would take entries");
    expect(it.logs.calls).toMatchObject([{ dryRun: true, refused: undefined }]);
    expect(it.logs.written).toEqual([]);
  });

  test("says what is missing", async () => {
    await using it = await open({ gcp: { projectId: "another-project" } });

    await expect(it.log.hook.check?.(signal)).rejects.toMatchObject({
      message: expect.stringContaining("Logs Writer"),
    });
  });
});

test("what it renders is what it writes", async () => {
  await using it = await open();

  const rendered = await it.log.hook.render?.(createTestDelivery());
  await it.log.send([{}]);

  expect(rendered?.target).toContain("projects/pipehooks-test/logs/pipehooks");
  expect(rendered?.body).toMatchObject({ timestamp: "2026-01-15T06:30:00.000Z" });
  const { insertId, severity, labels, jsonPayload } = it.logs.entries[0] ?? expect.fail();
  expect(rendered?.body).toMatchObject({ insertId, severity, labels, jsonPayload });
});

test("what a route test says was answered is judged as if it had been", async () => {
  await using it = await open();
  const answered = (status: number, name?: string) =>
    it.log.hook.answered?.(
      { status, headers: {}, body: { error: { status: name ?? null, message: "no" } } },
      createTestDelivery(),
    );

  expect(answered(200)).toMatchObject({ type: "delivered" });
  expect(() => answered(429, "RESOURCE_EXHAUSTED")).toThrow(
    expect.objectContaining({ scope: "destination" }),
  );
  expect(() => answered(503)).toThrow(expect.objectContaining({ retryable: true }));
  expect(() => answered(403)).toThrow(expect.objectContaining({ retryable: false }));
});

test("calls that begin at the same time share one connection, which closes with the hook", async () => {
  await using it = await open();

  await Promise.all(["a", "b", "c", "d"].map((id) => it.log.send([{ id }])));
  expect(it.logs.written).toHaveLength(4);
  await it.log[Symbol.asyncDispose]();

  await vi.waitFor(() => expect(it.logs.open).toBe(0));
});

test("a hook can be disposed twice, and leaves no connection open", async () => {
  await using it = await open();
  await it.log.send([{}]);

  await it.log[Symbol.asyncDispose]();
  await it.log[Symbol.asyncDispose]();

  await vi.waitFor(() => expect(it.logs.open).toBe(0));
});

describe("credentials", () => {
  const client = fileURLToPath(new URL("./gcp-child.ts", import.meta.url));
  const clientEmail = "pipehooks@pipehooks-test.iam.gserviceaccount.com";

  /** In a process of its own: whom gRPC trusts is read once. */
  async function deliverElsewhere(attempts: readonly object[], env: NodeJS.ProcessEnv) {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [client, JSON.stringify(attempts)],
      {
        env: { PATH: process.env.PATH, METADATA_SERVER_DETECTION: "none", ...env },
        timeout: 20_000,
      },
    );
    return { stderr, ends: JSON.parse(stdout) as { readonly code?: string }[] };
  }

  test("of a service account sign their own tokens, given as fields, by keyFile, or by the environment", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const folder = await mkdtemp(join(tmpdir(), "pipehooks-gcp-"));
    const [ca, key] = [join(folder, "ca.pem"), join(folder, "key.json")];
    await writeFile(
      key,
      JSON.stringify({
        type: "service_account",
        project_id: "pipehooks-test",
        client_email: clientEmail,
        private_key: pem,
      }),
    );
    await using logs = await createGoogleLoggingReceiver({
      now,
      tls: true,
      serviceAccounts: {
        [clientEmail]: publicKey.export({ type: "spki", format: "pem" }).toString(),
      },
    });
    await writeFile(ca, logs.ca);
    const env = { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: ca, HOME: folder };
    const gcp = { projectId: "pipehooks-test", endpoint: `https://localhost:${logs.port}` };

    try {
      const { ends, stderr } = await deliverElsewhere(
        [
          { gcp: { ...gcp, credentials: { clientEmail, privateKey: pem } } },
          { gcp: { ...gcp, keyFile: key } },
          { gcp, env: { GOOGLE_APPLICATION_CREDENTIALS: key } },
          { gcp },
        ],
        env,
      );

      expect(ends.map(({ code }) => code ?? "delivered")).toEqual([
        ...["delivered", "delivered", "delivered", "RECEIVER_REFUSED"],
      ]);
      expect(stderr).toBe("");
      expect(logs.written).toHaveLength(3);
      // Nothing is given up for credentials that may still come.
      expect(ends[3]).toMatchObject({
        retryable: true,
        scope: "destination",
        message: expect.stringMatching(
          /could not sign in.*"keyFile" \("key_file" in YAML\).*GOOGLE_APPLICATION_CREDENTIALS/,
        ),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  test("that come later are found by the next call", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pipehooks-gcp-"));
    const key = join(folder, "key.json");
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", key);
    await using logs = await createGoogleLoggingReceiver({ now, tls: true });
    const endpoint = `https://localhost:${logs.port}`;
    await using log = await openLog({
      provider: "gcp",
      gcp: { projectId: "pipehooks-test", endpoint },
    });
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

    const before = await Promise.all([log.failure(), log.failure()]);
    await writeFile(
      key,
      JSON.stringify({ type: "service_account", client_email: clientEmail, private_key: pem }),
    );
    const after = await log.failure();
    await rm(folder, { recursive: true });

    for (const { message } of before) expect(message).toContain("could not sign in");
    // Its certificate is one that nobody here trusts.
    expect(after.message).toContain("UNAVAILABLE");
  });

  test.for([
    "{}",
    '{"type":"external_account","private_key":"s3cret"}',
    "s3cret no JSON",
    undefined,
  ])(
    "in a file that is no key of a service account (%j) are refused, without a word of it",
    async (content) => {
      const keyFile = join(tmpdir(), `pipehooks-key-${process.pid}.json`);
      if (content !== undefined) await writeFile(keyFile, content);

      const opening = openLog({ provider: "gcp", gcp: { projectId: "pipehooks-test", keyFile } });

      await expect(opening).rejects.toMatchObject({
        code: "HOOK_OPTIONS_INVALID",
        message: expect.stringMatching(/^test: "keyFile" \("key_file" in YAML\) (?!.*s3cret)/s),
      });
      await rm(keyFile, { force: true });
    },
  );

  test("never come out", async () => {
    const privateKey =
      "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\n-----END PRIVATE KEY-----\n";
    await using it = await open({
      gcp: { credentials: { clientEmail, privateKey } },
      more: { record: { key: privateKey } },
    });
    using _ = it.logs.fault({ answer: "UNAVAILABLE" });

    const seen = [await it.log.failure(), await it.log.hook.render?.(createTestDelivery())];

    const text = inspect(seen, { depth: 12, maxStringLength: null, showHidden: true });
    expect(it.log.secrets).toEqual([privateKey]);
    expect(createRedactor([privateKey])(text)).toBe(text);
    expect(text).not.toContain("MIIEvQIBADANBgkqh");
  });
});
