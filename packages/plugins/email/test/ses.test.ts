import { inspect } from "node:util";
import { createRedactor, type Delivery, type HookError, isHookError } from "@pipehooks/core";
import { type EmailOptions, email, type SesOptions } from "@pipehooks/email";
import {
  createSesReceiver,
  createTestDelivery,
  createTestEvent,
  openHook,
  type SesFault,
  type SesReceiverOptions,
} from "@pipehooks/testing";
import { simpleParser } from "mailparser";
import { describe, expect, test, vi } from "vitest";
import { failedEvent, from, incident, to } from "./post-office.ts";

const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "s3cret/access+key" };

async function open(
  options: Partial<Omit<EmailOptions, "ses">> & { readonly ses?: Partial<SesOptions> } = {},
  receiver: SesReceiverOptions = {},
) {
  const service = await createSesReceiver(receiver);
  const { ses, ...rest } = options;
  const own = { region: "eu-west-1", endpoint: service.url, credentials, ...ses };
  const opened = await openHook(email, { ses: own, from, to, ...rest });
  const deliver = async (fields: Partial<Delivery> = {}) =>
    opened.hook.deliver(createTestDelivery(fields));
  return {
    service,
    opened,
    deliver,
    async failure(fields: Partial<Delivery> = {}): Promise<HookError> {
      const thrown = await deliver(fields).catch((error: unknown) => error);
      if (isHookError(thrown)) return thrown;
      throw new Error(`no HookError: ${inspect(thrown)}`);
    },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

test("a mail goes out in one request, with configuration set and tags", async () => {
  await using ses = await open({
    cc: "c@example.com",
    bcc: "b@example.com",
    ses: { configurationSet: "alerts", tags: { team: "data", stage: "prod" } },
  });

  const outcome = await ses.deliver({ event: failedEvent() });

  const [mail] = ses.service.mails;
  const parsed = await simpleParser(mail?.raw ?? "");
  expect(outcome).toMatchObject({ type: "delivered", answer: { body: mail?.id } });
  expect(mail).toMatchObject({
    from: "Pipelines <pipelines@example.com>",
    to: [to, "c@example.com", "b@example.com"],
    configurationSet: "alerts",
    tags: [
      { Name: "team", Value: "data" },
      { Name: "stage", Value: "prod" },
    ],
  });
  expect(parsed.subject).toBe("[CRITICAL] Pipeline orders failed");
  expect(mail?.text).not.toContain("b@example.com");
  expect(ses.service.requests[0]?.headers.authorization).toContain("/eu-west-1/ses/aws4_request");
});

test("credentials are found as the AWS client finds them where none are given", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "from-the-environment");
  vi.stubEnv("AWS_REGION", "ap-south-1");
  await using service = await createSesReceiver();
  await using opened = await openHook(email, { ses: { endpoint: service.url }, from, to });

  await opened.hook.deliver(createTestDelivery());

  expect(service.mails).toHaveLength(1);
  expect(service.requests[0]?.headers.authorization).toContain("/ap-south-1/ses/");
});

test("a session token is sent with the request", async () => {
  await using ses = await open({
    ses: { credentials: { ...credentials, sessionToken: "s3ssion-token" } },
  });

  await ses.deliver();

  expect(ses.service.requests[0]?.headers["x-amz-security-token"]).toBe("s3ssion-token");
});

describe("what an answer means", () => {
  const table: readonly (readonly [string, SesFault["answer"], object])[] = [
    [
      "429: everybody waits",
      { status: 429, name: "TooManyRequestsException" },
      { code: "RECEIVER_FAILED", retryable: true, scope: "destination" },
    ],
    [
      "a limit that is told with 400",
      { status: 400, name: "LimitExceededException" },
      { code: "RECEIVER_FAILED", retryable: true, scope: "destination" },
    ],
    [
      "500",
      { status: 500, name: "InternalServiceErrorException" },
      { code: "RECEIVER_FAILED", retryable: true, scope: "delivery" },
    ],
    [
      "a rejected mail",
      { status: 400, name: "MessageRejected", message: "Email address is not verified." },
      { code: "RECEIVER_REFUSED", retryable: false, scope: "delivery" },
    ],
    [
      "credentials that may not send",
      { status: 403, name: "AccessDeniedException" },
      { code: "RECEIVER_REFUSED", retryable: false, scope: "gone" },
    ],
    [
      "an account that may send nothing",
      { status: 400, name: "SendingPausedException" },
      { code: "RECEIVER_REFUSED", retryable: false, scope: "gone" },
    ],
    ["a connection that is cut", "cut", { code: "RECEIVER_UNREACHABLE", retryable: true }],
    ["something that is no answer", "garbage", { retryable: true }],
  ];

  test.for(table)("%s", async ([, answer, expected]) => {
    await using ses = await open();
    ses.service.fault({ answer });

    const error = await ses.failure();

    expect(error).toMatchObject(expected);
    // Each attempt is one request: retries are made where they are durable.
    expect(ses.service.requests).toHaveLength(1);
  });

  test("a wrong key stops the channel", async () => {
    await using ses = await open({}, { accessKeyId: "AKIAOTHER" });

    const error = await ses.failure();

    expect(error).toMatchObject({ retryable: false, scope: "gone", answer: { status: 403 } });
    expect(error.message).toContain('"ses.credentials"');
  });

  test("no region is a matter of configuration", async () => {
    vi.stubEnv("AWS_REGION", undefined);
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere");
    await using opened = await openHook(email, { ses: { credentials }, from, to });

    await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('"ses.region"'),
    });
  });

  test("a sandbox's rate is answered as it is there", async () => {
    await using ses = await open({}, { perSecond: 1, perDay: 2, now: () => now });
    let now = Date.UTC(2026, 0, 15);
    const tried: (string | undefined)[] = [];
    for (const at of [0, 100, 1_100, 2_200, 86_500_000]) {
      now = Date.UTC(2026, 0, 15) + at;
      tried.push(
        await ses.deliver().then(
          () => "taken",
          (error: HookError) => error.answer?.body,
        ),
      );
    }

    expect(tried).toEqual([
      "taken",
      "Maximum sending rate exceeded.",
      "taken",
      "Daily message quota exceeded.",
      "taken",
    ]);
  });

  test("an attempt ends at once when its signal aborts", async () => {
    await using ses = await open();
    ses.service.fault({ answer: "never" });
    const controller = new AbortController();
    const attempt = ses.failure({ signal: controller.signal });
    await expect.poll(() => ses.service.requests.length).toBe(1);

    const startedAt = performance.now();
    controller.abort(new Error("stopped"));

    expect((await attempt).code).toBe("ABORTED");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

test("SES gives mails ids of its own: the thread goes by that of the first one, and by ours", async () => {
  await using ses = await open();
  const alert = { since: "2026-01-15T06:30:00.000Z", count: 1, key: "orders", incident: "i1" };
  const gate = { reason: "because", restIds: [] };
  await ses.deliver({ event: failedEvent(), alert: { ...alert, state: "opened" }, gate });
  await ses.deliver({ event: createTestEvent(), alert: { ...alert, state: "resolved" }, gate });

  const [opened, resolved] = await Promise.all(
    ses.service.mails.map(({ raw }) => simpleParser(raw)),
  );
  const given = `<${ses.service.mails[0]?.id}@eu-west-1.amazonses.com>`;
  expect(resolved?.inReplyTo).toBe(given);
  expect(resolved?.references).toEqual([given, opened?.messageId]);
});

test("the thread that `thread` makes goes by the id of its first mail, also when an incident is over", async () => {
  await using ses = await open({ thread: "${pipeline}" });

  await ses.deliver(incident("opened"));
  await ses.deliver(incident("resolved"));
  await ses.deliver(incident("opened", { alert: { incident: "i2" } }));

  const mails = await Promise.all(ses.service.mails.map(({ raw }) => simpleParser(raw)));
  const first = `<${ses.service.mails[0]?.id}@eu-west-1.amazonses.com>`;
  expect(mails.slice(1).map(({ inReplyTo }) => inReplyTo)).toEqual([first, first]);
});

test("a request that is not answered is given up after 30 seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    await using ses = await open();
    ses.service.fault({ answer: "never" });
    const attempt = ses.failure();
    await expect.poll(() => ses.service.requests.length).toBe(1);

    vi.advanceTimersByTime(30_000);

    expect(await attempt).toMatchObject({ code: "TIMEOUT", retryable: true });
  } finally {
    vi.useRealTimers();
  }
}, 10_000);

test("check sends nothing, and tells wrong credentials", async () => {
  await using ses = await open();
  await using wrong = await open({}, { accessKeyId: "AKIAOTHER" });
  const { signal } = new AbortController();

  const report = await ses.opened.hook.check?.(signal);

  expect(report?.summary).toMatch(/^SES in eu-west-1 reached in \d+ ms, credentials are good/);
  await expect(wrong.opened.hook.check?.(signal)).rejects.toMatchObject({ scope: "gone" });
  expect(ses.service.mails).toEqual([]);
});

test("what is rendered names the service", async () => {
  await using opened = await openHook(email, { ses: { region: "eu-west-1" }, from, to });

  const rendered = await opened.hook.render?.(createTestDelivery());

  expect(rendered?.target).toBe("SES email.eu-west-1.amazonaws.com");
  expect(opened.destination).toBe("email.eu-west-1.amazonaws.com");
});

test.for([
  [200, {}, undefined],
  [429, {}, { retryable: true, scope: "destination" }],
  [500, {}, { retryable: true, scope: "delivery" }],
  [400, { "x-amzn-errortype": "MessageRejected:http://x" }, { retryable: false }],
  [400, { "x-amzn-errortype": "ThrottlingException" }, { retryable: true }],
] as const)("a given answer of %i %o", async ([status, headers, expected]) => {
  await using ses = await open();
  const answered = () =>
    ses.opened.hook.answered?.({ status, headers, body: "why" }, createTestDelivery());

  if (expected === undefined) expect(answered()).toMatchObject({ type: "delivered" });
  else expect(answered).toThrow(expect.objectContaining(expected));
});

test("no secret comes out, even if the service echoes it", async () => {
  const secrets = [credentials.secretAccessKey, "s3ssion-token"];
  await using ses = await open({
    ses: { credentials: { ...credentials, sessionToken: "s3ssion-token" } },
  });
  const seen: unknown[] = [];
  for (const status of [400, 403, 429, 500]) {
    using _fault = ses.service.fault({
      answer: { status, name: "MessageRejected", message: secrets.join(" ") },
    });
    seen.push(await ses.failure(), ses.opened.logs);
  }

  const text = inspect(seen, { depth: 12, maxStringLength: null });
  expect(createRedactor(secrets)(text)).toBe(text);
});
