import { hostname } from "node:os";
import { inspect } from "node:util";
import { createRedactor, HookError, isHookError } from "@pipehooks/core";
import {
  type CloudWatchFault,
  createCloudWatchLogsReceiver,
  createTestDelivery,
  createTestEvent,
} from "@pipehooks/testing";
import { describe, expect, test, vi } from "vitest";
import { awsOptions, openLog } from "./stores.ts";

const at = Date.parse("2026-01-15T07:00:00.000Z");
const hour = 3_600_000;
const day = 24 * hour;
const now = () => at;

/** A receiver with the group, and a hook that writes to it. */
async function open(
  setup: {
    readonly aws?: Parameters<typeof awsOptions>[1];
    readonly more?: Partial<ReturnType<typeof awsOptions>>;
    readonly receiver?: Parameters<typeof createCloudWatchLogsReceiver>[0];
  } = {},
) {
  const logs = await createCloudWatchLogsReceiver({
    now,
    groups: { "/pipelines/prod": null },
    ...setup.receiver,
  });
  const log = await openLog({ ...awsOptions(logs, setup.aws), ...setup.more });
  return {
    logs,
    log,
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await logs[Symbol.asyncDispose]();
    },
  };
}

/** Events with these ages. */
function ofAge(...ages: readonly number[]) {
  return ages.map((age, index) => ({
    id: `evt_${index}`,
    time: new Date(at - age).toISOString(),
  }));
}

describe("PutLogEvents", () => {
  test("writes many events in one call, with their times and ids", async () => {
    await using it = await open();

    const outcomes = await it.log.send(ofAge(3000, 2000, 2000, 1000));

    expect(outcomes).toEqual([undefined, undefined, undefined, undefined]);
    const puts = it.logs.calls.filter(({ refused }) => refused === undefined);
    expect(puts.map(({ operation }) => operation)).toEqual(["CreateLogStream", "PutLogEvents"]);
    expect(it.logs.events.map(({ timestamp }) => at - timestamp)).toEqual([3000, 2000, 2000, 1000]);
    expect(it.logs.events.map(({ message }) => JSON.parse(message).id)).toEqual(
      [0, 1, 2, 3].map((index) => `evt_${index}`),
    );
  });

  test("counts the bytes as AWS does", async () => {
    await using it = await open();
    const event = createTestEvent({ metadata: { text: "ä€😀" } });

    await it.log.hook.deliver(createTestDelivery({ event }));

    expect(it.log.record({ event }).bytes + 26).toBe(it.logs.calls.at(-1)?.bytes);
  });

  test("goes into a stream of the process by default, and into the one that is named", async () => {
    await using own = await open();
    await using named = await open({ aws: { logStream: "prod/orders" } });

    for (const { log } of [own, named]) await log.send([{}]);

    const [stream = ""] = own.logs.groups.get("/pipelines/prod")?.streams.keys() ?? [];
    const host = hostname().replaceAll(/[^\w.-]/g, "-");
    expect(stream).toMatch(new RegExp(`^${host}/${process.pid}/20\\d\\d-\\d\\d-\\d\\dT`));
    expect([...(named.logs.groups.get("/pipelines/prod")?.streams.keys() ?? [])]).toEqual([
      "prod/orders",
    ]);
  });

  test("a batch of exactly the largest size is taken", async () => {
    await using it = await open();
    const bytesOf = (text: string) =>
      it.log.record({ event: createTestEvent({ metadata: { text } }) }).bytes;
    const room = 1_048_576 - 26 - bytesOf("");

    const outcomes = await it.log.send([{ metadata: { text: "x".repeat(room) } }]);

    expect(outcomes).toEqual([undefined]);
    expect(it.logs.calls.at(-1)).toMatchObject({ bytes: 1_048_576, refused: undefined });
  });

  test("says which events were too old, too new or expired, and that the others were written", async () => {
    await using it = await open({ receiver: { groups: { "/pipelines/prod": 7 } } });

    const old = await it.log.send(ofAge(15 * day, 14 * day + 1000, 13 * day));
    const expired = await it.log.send(ofAge(7.1 * day, 6.9 * day, 6.8 * day));
    const early = await it.log.send(ofAge(1000, -hour, -3 * hour));

    const reasons = (outcomes: typeof old) =>
      outcomes.map((outcome) => (isHookError(outcome) ? outcome.message : outcome?.type));
    expect(reasons(old)).toEqual([
      expect.stringContaining("evt_0 of 2025-12-31T07:00:00.000Z: it is older than 14 days"),
      expect.stringContaining("evt_1"),
      expect.stringContaining("older than what the log group keeps"),
    ]);
    expect(reasons(expired)).toEqual([
      expect.stringContaining("older than what the log group keeps"),
      undefined,
      undefined,
    ]);
    expect(reasons(early)).toEqual([
      undefined,
      undefined,
      expect.stringContaining("more than 2 hours in the future"),
    ]);
    expect(old[0]).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
    expect(it.logs.events).toHaveLength(4);
  });

  test("carries the entity, and goes on where AWS does not like it", async () => {
    const good = {
      keyAttributes: { Type: "Service", Name: "orders" },
      attributes: { team: "data" },
    };
    await using it = await open({ aws: { entity: good } });
    await using wrong = await open({ aws: { entity: { keyAttributes: { name: "orders" } } } });

    await it.log.send([{}]);
    const outcomes = await wrong.log.send([{}]);

    expect(JSON.parse(it.logs.requests.at(-1)?.text ?? "").entity).toEqual(good);
    expect(outcomes).toEqual([undefined]);
    expect(it.log.logs).toEqual([]);
    expect(wrong.log.logs).toMatchObject([
      {
        level: "warn",
        message: expect.stringContaining("without their entity (InvalidKeyAttributes)"),
      },
    ]);
  });
});

describe("groups and streams", () => {
  test("a group that is missing is made where that is allowed, with its retention", async () => {
    await using it = await open({
      aws: { createGroup: true, retentionDays: 30 },
      receiver: { groups: {} },
    });

    expect(await it.log.send([{}])).toEqual([undefined]);
    expect(it.logs.groups.get("/pipelines/prod")?.retentionDays).toBe(30);
  });

  test("without that it is named, with what to do", async () => {
    await using it = await open({ receiver: { groups: {} } });

    expect(await it.log.failure()).toMatchObject({
      code: "RECEIVER_REFUSED",
      retryable: false,
      message: expect.stringMatching(
        /ResourceNotFoundException.*log group.*"createGroup" \("create_group" in YAML\)/,
      ),
    });
  });

  test("a stream that is missing is not made where that is not wanted", async () => {
    await using it = await open({ aws: { createStream: false } });

    expect((await it.log.failure()).message).toMatch(/log stream does not exist/);
    expect(it.logs.calls.map(({ operation }) => operation)).toEqual(["PutLogEvents"]);
  });

  test.for(["ResourceAlreadyExistsException", "OperationAbortedException"] as const)(
    "what somebody else makes at the same time (%s) is there",
    async (answer) => {
      await using it = await open();
      using _ = it.logs.fault({ on: "CreateLogStream", answer, effect: true });

      expect(await it.log.send([{}])).toEqual([undefined]);
    },
  );

  test("what was made and is not known everywhere is worth another attempt", async () => {
    await using it = await open();
    using _ = it.logs.fault({ on: "CreateLogStream", answer: "ResourceAlreadyExistsException" });

    expect(await it.log.failure()).toMatchObject({ retryable: true });
  });

  test("a group that was made and is not known everywhere is worth another attempt", async () => {
    await using it = await open({ aws: { createGroup: true }, receiver: { groups: {} } });
    using _ = it.logs.fault({ on: "CreateLogStream", answer: "ResourceNotFoundException" });

    expect(await it.log.failure()).toMatchObject({ retryable: true });
    expect(it.logs.groups.has("/pipelines/prod")).toBe(true);
  });

  test("a group that somebody else makes at the same time keeps its own retention", async () => {
    await using it = await open({
      aws: { createGroup: true, retentionDays: 30 },
      receiver: { groups: {} },
    });
    using _ = it.logs.fault({
      on: "CreateLogGroup",
      answer: "ResourceAlreadyExistsException",
      effect: true,
    });

    expect(await it.log.send([{}])).toEqual([undefined]);
    expect(it.logs.groups.get("/pipelines/prod")?.retentionDays).toBeUndefined();
    expect(it.log.logs).toEqual([]);
  });

  test("a retention that may not be set is said and holds nothing up", async () => {
    await using it = await open({
      aws: { createGroup: true, retentionDays: 30 },
      receiver: { groups: {}, denied: ["PutRetentionPolicy"] },
    });

    expect(await it.log.send([{}])).toEqual([undefined]);
    expect(it.log.logs).toMatchObject([
      { level: "info", message: expect.stringContaining("made the log group") },
      { level: "warn", message: expect.stringContaining("without its retention") },
    ]);
  });
});

describe("an answer of", () => {
  const retried = { code: "RECEIVER_FAILED", retryable: true };
  const cases: readonly [CloudWatchFault["answer"], object][] = [
    ["ThrottlingException", { ...retried, scope: "destination" }],
    ["ServiceUnavailableException", { ...retried, scope: "destination" }],
    ["LimitExceededException", { ...retried, scope: "destination" }],
    [503, { ...retried, scope: "destination", answer: { status: 503, body: expect.any(String) } }],
    [502, { ...retried, scope: "destination" }],
    [500, { ...retried, scope: "delivery" }],
    ["ExpiredTokenException", { ...retried, scope: "delivery" }],
    ["InvalidParameterException", { code: "RECEIVER_REFUSED", retryable: false, divisible: true }],
    ["AccessDeniedException", { code: "RECEIVER_REFUSED", retryable: false, divisible: false }],
    ["InvalidSignatureException", { code: "RECEIVER_REFUSED", retryable: false }],
    [413, { code: "RECEIVER_REFUSED", divisible: true }],
    [404, { code: "RECEIVER_REFUSED", retryable: false }],
    ["cut", { code: "RECEIVER_UNREACHABLE", retryable: true }],
    ["garbage", { code: "RECEIVER_FAILED", retryable: true }],
  ];

  test.for(cases)("%s is judged, and asked for once", async ([answer, expected]) => {
    await using it = await open();
    await it.log.send([{}]);
    const before = it.logs.requests.length;
    using _ = it.logs.fault({ on: "PutLogEvents", answer });

    expect(await it.log.failure()).toMatchObject(expected);
    expect(it.logs.requests.length - before).toBe(1);
  });

  test.for([
    [{ "retry-after": "7" }, 7000],
    [{ "x-amz-retry-after": "1500" }, 1500],
    [{}, undefined],
  ] as const)("ThrottlingException with %j waits %s ms", async ([headers, wait]) => {
    await using it = await open();
    using _ = it.logs.fault({ answer: "ThrottlingException", headers });

    expect((await it.log.failure()).retryAfterMs).toBe(wait);
  });

  test.for([
    ["InvalidParameterException", '"logGroup" ("log_group" in YAML)'],
    ["AccessDeniedException", '"retentionDays" ("retention_days" in YAML)'],
  ] as const)("%s says what to check, in code and in YAML", async ([answer, option]) => {
    await using it = await open();
    using _ = it.logs.fault({ on: "PutLogEvents", answer });
    await it.log.send([{}]).catch(() => undefined);

    expect((await it.log.failure()).message).toContain(option);
  });

  test("HTML of a gateway says what it is", async () => {
    await using it = await open();
    using _ = it.logs.fault({ answer: 503 });

    expect((await it.log.failure()).message).toMatch(/answered 503: something that is no JSON\.$/);
  });
});

describe("the end of a call", () => {
  test.for(["never", "drip"] as const)(
    "comes at requestTimeout where the receiver does this: %s",
    async (answer) => {
      await using it = await open({ more: { requestTimeout: "300ms" } });
      using _ = it.logs.fault({ on: "PutLogEvents", answer });
      const startedAt = performance.now();

      const error = await it.log.failure();

      expect(error).toMatchObject({ code: "TIMEOUT", retryable: true });
      expect(performance.now() - startedAt).toBeLessThan(2000);
    },
  );

  test("comes at once with the signal, and nothing is sent for one that has aborted", async () => {
    await using it = await open();
    using _ = it.logs.fault({ answer: "never" });
    const reason = new HookError("ABORTED", "closing", { retryable: true });
    const controller = new AbortController();
    const attempt = it.log.failure({}, controller.signal);
    while (it.logs.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const startedAt = performance.now();

    controller.abort(reason);

    expect(await attempt).toBe(reason);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await it.log.failure({}, AbortSignal.abort(reason))).toBe(reason);
    expect(it.logs.requests).toHaveLength(1);
  });

  test("a batch whose answer was lost is written twice, and its ids show that", async () => {
    await using it = await open();
    await it.log.send([{ id: "evt_0" }]);
    using _ = it.logs.fault({ on: "PutLogEvents", answer: "cut", effect: true, times: 1 });

    const error = await it.log.failure({ id: "evt_1" });
    await it.log.send([{ id: "evt_1" }]);

    expect(error.retryable).toBe(true);
    expect(it.logs.events.map(({ message }) => JSON.parse(message).id)).toEqual([
      ...["evt_0", "evt_1", "evt_1"],
    ]);
  });

  test("a receiver that is not there is worth another attempt", async () => {
    await using it = await open();
    await it.logs[Symbol.asyncDispose]();

    expect(await it.log.failure()).toMatchObject({ code: "RECEIVER_UNREACHABLE", retryable: true });
  });
});

describe("credentials", () => {
  test("that are wrong are refused, and which ones to check is said", async () => {
    await using wrongId = await open({ aws: { accessKeyId: "AKIANOBODY" } });
    await using wrongSecret = await open({ aws: { secretAccessKey: "no/such+key" } });

    expect((await wrongId.log.failure()).message).toMatch(
      /UnrecognizedClient.*"accessKeyId" \("access_key_id" in YAML\)/,
    );
    expect((await wrongSecret.log.failure()).message).toMatch(
      /InvalidSignature.*"secretAccessKey" \("secret_access_key" in YAML\)/,
    );
  });

  test("come from the usual chain where none are given, and so does the region", async () => {
    await using logs = await createCloudWatchLogsReceiver({ now, groups: { "/g": null } });
    vi.stubEnv("AWS_ACCESS_KEY_ID", logs.credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", logs.credentials.secretAccessKey);
    vi.stubEnv("AWS_REGION", "eu-north-1");

    await using log = await openLog({
      provider: "aws",
      aws: { logGroup: "/g", endpoint: logs.url, allowHttp: true },
    });

    expect(await log.send([{}])).toEqual([undefined]);
    expect(logs.requests[0]?.headers.authorization).toContain("/eu-north-1/logs/");
  });

  test("session tokens go along", async () => {
    await using it = await open({ aws: { sessionToken: "FwoGZXIvYXdzEXAMPLE" } });

    await it.log.send([{}]);

    expect(it.logs.requests[0]?.headers["x-amz-security-token"]).toBe("FwoGZXIvYXdzEXAMPLE");
  });

  test("never come out, even if the receiver says them", async () => {
    const secret = "wJalrXUtnFEMI/K7MDENG+pipehooks/testKEY0";
    const sessionToken = "FwoGZXIvYXdzEXAMPLE";
    const seen: unknown[] = [];
    await using it = await open({ aws: { sessionToken }, more: { record: `\${id} ${secret}` } });
    for (const answer of ["ThrottlingException", 503, "cut", "AccessDeniedException"] as const) {
      using _ = it.logs.fault({ answer });
      seen.push(await it.log.failure());
    }
    seen.push(await it.log.hook.render?.(createTestDelivery()), it.log.logs);

    const text = inspect(seen, { depth: 12, maxStringLength: null, showHidden: true });
    expect(it.log.secrets).toEqual([secret, sessionToken]);
    expect(createRedactor([secret, sessionToken])(text)).toBe(text);
  });

  test("a region that nobody knows is said when the hook is made", async () => {
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, undefined);
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");

    await expect(openLog({ provider: "aws", aws: { logGroup: "/g" } })).rejects.toMatchObject({
      code: "HOOK_OPTIONS_INVALID",
      message: expect.stringContaining("AWS_REGION"),
    });
  });
});

describe("check", () => {
  const signal = new AbortController().signal;

  test("says that the group is there, and writes nothing", async () => {
    await using it = await open();

    expect((await it.log.hook.check?.(signal))?.summary).toContain("/pipelines/prod in CloudWatch");
    expect(it.logs.calls.map(({ operation }) => operation)).toEqual(["DescribeLogStreams"]);
  });

  test("says that it is missing, or will be made", async () => {
    await using missing = await open({ receiver: { groups: {} } });
    await using made = await open({ receiver: { groups: {} }, aws: { createGroup: true } });
    // The group is made where a stream cannot be made without it.
    await using never = await open({
      receiver: { groups: {} },
      aws: { createGroup: true, createStream: false },
    });

    for (const { log } of [missing, never]) {
      await expect(log.hook.check?.(signal)).rejects.toMatchObject({ code: "RECEIVER_REFUSED" });
    }
    expect((await made.log.hook.check?.(signal))?.summary).toContain("made with the first events");
  });

  test("takes a permission that is not needed for writing for no fault", async () => {
    await using it = await open({ receiver: { denied: ["DescribeLogStreams"] } });

    expect((await it.log.hook.check?.(signal))?.summary).toContain("logs:DescribeLogStreams");
  });

  test("says that credentials are wrong", async () => {
    await using it = await open({ aws: { secretAccessKey: "no" } });

    await expect(it.log.hook.check?.(signal)).rejects.toMatchObject({ code: "RECEIVER_REFUSED" });
  });
});

describe("what a route test says was answered", () => {
  const answer = (status: number, body: object | null, headers = {}) => ({
    status,
    headers,
    body: body as never,
  });

  test("is judged as if it had been", async () => {
    await using it = await open();
    const { hook } = it.log;
    const throttled = {
      __type: "com.amazonaws.cloudwatchlogs#ThrottlingException",
      message: "slow",
    };

    expect(hook.answered?.(answer(200, {}), createTestDelivery())).toMatchObject({
      type: "delivered",
    });
    expect(() =>
      hook.answered?.(answer(400, throttled, { "retry-after": "3" }), createTestDelivery()),
    ).toThrow(expect.objectContaining({ scope: "destination", retryAfterMs: 3000 }));
    expect(() => hook.answered?.(answer(503, null), createTestDelivery())).toThrow(
      expect.objectContaining({ retryable: true }),
    );
  });
});

test("a hook can be disposed twice, and leaves no connection open", async () => {
  await using it = await open();
  await it.log.send([{}]);

  await it.log[Symbol.asyncDispose]();
  await it.log[Symbol.asyncDispose]();

  await vi.waitFor(() => expect(it.logs.open).toBe(0));
});
