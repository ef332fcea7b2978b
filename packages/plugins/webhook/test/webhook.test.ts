import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { gunzipSync } from "node:zlib";
import { type Delivery, HookError, type Outcome, parseHttpMessage } from "@pipehooks/core";
import {
  createHttpReceiver,
  createTestDelivery,
  createTestEvent,
  type HttpReceiver,
  openHook,
  type Respond,
} from "@pipehooks/testing";
import plugin, { type WebhookOptions, webhook } from "@pipehooks/webhook";
import { describe, expect, test } from "vitest";
import { createRawReceiver } from "./raw-receiver.ts";

const event = createTestEvent();

/** One delivery to a receiver of its own: what arrived, what came of it. */
async function deliver(setup: {
  options?: Partial<WebhookOptions>;
  respond?: Respond;
  delivery?: Partial<Delivery>;
}) {
  await using receiver = await createHttpReceiver({ respond: setup.respond ?? 200 });
  const options = { url: `${receiver.url}/a/b?c=d`, allowPrivate: true, ...setup.options };
  await using opened = await openHook(webhook, options);
  let outcome: Outcome | undefined;
  let error: HookError | undefined;
  try {
    outcome = (await opened.hook.deliver(createTestDelivery(setup.delivery))) ?? undefined;
  } catch (thrown) {
    if (!(thrown instanceof HookError)) throw thrown;
    error = thrown;
  }
  const { requests, port } = receiver;
  return { request: requests[0], requests, outcome, error, logs: opened.logs, port };
}

describe("the request", () => {
  test("by default the body is type, time and the whole event, posted as JSON", async () => {
    const { request } = await deliver({});

    expect(request).toMatchObject({ method: "POST", path: "/a/b?c=d" });
    expect(request?.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(request?.text ?? "")).toEqual({
      type: "pipeline.end",
      timestamp: event.time,
      data: event,
    });
  });

  test("events that a gate let through together are all in the body", async () => {
    const events = [createTestEvent({ id: "a" }), createTestEvent({ id: "b" })];

    const { request } = await deliver({ delivery: { events } });

    expect(JSON.parse(request?.text ?? "")).toMatchObject({ data: { id: "b" }, events });
  });

  test("a payload is filled in, and keeps the type of a value that stands alone", async () => {
    const payload = {
      status: "${type}",
      rows: "${metadata.rows}",
      text: "${pipeline} took ${metadata.duration} s",
    };

    const { request } = await deliver({ options: { payload } });

    expect(JSON.parse(request?.text ?? "")).toEqual({
      status: "pipeline.end",
      rows: 1250,
      text: "orders took 12.5 s",
    });
  });

  test("a payload that is one text is sent as text", async () => {
    const { request } = await deliver({
      options: { format: "template", payload: "${pipeline}: done" },
    });

    expect(request?.text).toBe("orders: done");
    expect(request?.headers["content-type"]).toBe("text/plain; charset=utf-8");
  });

  test("a payload that reads what the event lacks is a permanent failure that names it", async () => {
    const { error, requests } = await deliver({
      options: { payload: { a: "${metadata.nothing}" } },
    });

    expect(error).toMatchObject({ code: "TEMPLATE_FIELD_MISSING", retryable: false });
    expect(error?.message).toContain("metadata.nothing");
    expect(requests).toHaveLength(0);
  });

  test.for(["cloudevents", "cloudevents-binary"] as const)(
    "format %s is CloudEvents",
    async (format) => {
      const { request } = await deliver({ options: { format } });

      expect(parseHttpMessage(request ?? expect.fail())).toEqual([event]);
      expect(request?.headers["content-type"]).toBe(
        format === "cloudevents" ? "application/cloudevents+json" : "application/json",
      );
    },
  );

  test.for(["PUT", "PATCH"] as const)("method %s is used", async (method) => {
    const { request } = await deliver({ options: { method } });

    expect(request?.method).toBe(method);
  });

  test("own headers are added, and win over content-type and user-agent", async () => {
    const headers = {
      "X-Team": "data",
      "Content-Type": "application/vnd.acme+json",
      "USER-AGENT": "acme",
    };

    const { request } = await deliver({ options: { headers } });

    expect(request?.headers).toMatchObject({
      "x-team": "data",
      "content-type": "application/vnd.acme+json",
      "user-agent": "acme",
    });
  });

  test("the user agent names the package and its version", async () => {
    const manifest = JSON.parse(
      await readFile(new URL("../package.json", import.meta.url), "utf8"),
    );

    const { request } = await deliver({});

    expect(request?.headers["user-agent"]).toBe(`pipehooks-webhook/${manifest.version}`);
    expect(plugin).toMatchObject({
      name: manifest.name,
      version: manifest.version,
      hooks: [webhook],
    });
  });

  test.for([
    [{ bearer: "abc.def" }, "Bearer abc.def"],
    [
      { basic: { username: "ä", password: "p:w" } },
      `Basic ${Buffer.from("ä:p:w").toString("base64")}`,
    ],
  ] as const)("auth %j is the Authorization header", async ([auth, header]) => {
    const { request } = await deliver({ options: { auth } });

    expect(request?.headers.authorization).toBe(header);
  });

  test("compress sends the same body with gzip", async () => {
    const { request } = await deliver({ options: { compress: true } });

    expect(request?.headers["content-encoding"]).toBe("gzip");
    expect(JSON.parse(gunzipSync(request?.body ?? "").toString())).toMatchObject({ data: event });
  });

  test("deliveries one after the other use one connection, also those of another hook with equal settings", async () => {
    await using receiver = await createHttpReceiver();
    const options = { url: receiver.url, allowPrivate: true };
    await using first = await openHook(webhook, options);
    await using second = await openHook(webhook, {
      ...options,
      signing: { secret: "A".repeat(32) },
    });
    await using third = await openHook(webhook, { ...options, allow: ["10.0.0.0/8"] });

    for (const { hook } of [first, first, second]) await hook.deliver(createTestDelivery());
    expect(receiver.connections).toBe(1);
    await first[Symbol.asyncDispose]();
    await second.hook.deliver(createTestDelivery());
    expect(receiver.connections).toBe(1);
    await third.hook.deliver(createTestDelivery());
    expect(receiver.connections).toBe(2);
  });

  test("there are as many connections as requests at once, however soon one follows the other", async () => {
    await using receiver = await createHttpReceiver();
    await using opened = await openHook(webhook, { url: receiver.url, allowPrivate: true });
    const deliverTen = async () => {
      for (let n = 0; n < 10; n += 1) await opened.hook.deliver(createTestDelivery());
    };

    await Promise.all([deliverTen(), deliverTen(), deliverTen()]);

    expect(receiver.requests).toHaveLength(30);
    expect(receiver.connections).toBe(3);
  });

  test("a connection that the receiver closes after each answer is opened anew for the next request", async () => {
    const respond = { status: 200, headers: { connection: "close" } };
    await using receiver = await createHttpReceiver({ respond });
    await using opened = await openHook(webhook, { url: receiver.url, allowPrivate: true });

    for (let n = 0; n < 5; n += 1) await opened.hook.deliver(createTestDelivery());

    expect(receiver.requests).toHaveLength(5);
    expect(receiver.connections).toBe(5);
  });

  test("a receiver that closes behind its answers without having said so gets every request once", async () => {
    let requests = 0;
    const server = createServer((socket) => {
      socket.on("data", () => {
        requests += 1;
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    {
      await using opened = await openHook(webhook, {
        url: `http://127.0.0.1:${port}`,
        allowPrivate: true,
      });

      for (let n = 0; n < 20; n += 1) await opened.hook.deliver(createTestDelivery());
    }
    server.close();

    expect(requests).toBe(20);
  });

  test("a disposed hook takes nothing more", async () => {
    await using receiver = await createHttpReceiver();
    const opened = await openHook(webhook, { url: receiver.url, allowPrivate: true });
    await opened[Symbol.asyncDispose]();

    await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
      code: "CLOSED",
    });
  });

  test("disposing lets a running delivery end", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    await using receiver = await createHttpReceiver({ respond: () => promise });
    const opened = await openHook(webhook, { url: receiver.url, allowPrivate: true });
    const delivery = opened.hook.deliver(createTestDelivery());
    await receiver.received(1);

    const disposed = opened[Symbol.asyncDispose]();
    resolve(204);

    await expect(delivery).resolves.toMatchObject({ type: "delivered" });
    await disposed;
  });
});

describe("the answer", () => {
  test("status, text and times are kept; times of connecting only by the attempt that connected", async () => {
    await using receiver = await createHttpReceiver({ respond: { status: 201, body: "thanks" } });
    await using opened = await openHook(webhook, { url: receiver.url, allowPrivate: true });

    const outcomes = [];
    for (const attempt of [1, 2]) {
      outcomes.push(await opened.hook.deliver(createTestDelivery({ attempt })));
    }

    const time = expect.any(Number);
    expect(outcomes).toEqual([
      {
        type: "delivered",
        answer: {
          status: 201,
          body: "thanks",
          timing: { connect: time, firstByte: time, total: time },
        },
      },
      {
        type: "delivered",
        answer: { status: 201, body: "thanks", timing: { firstByte: time, total: time } },
      },
    ]);
  });

  test("the first 2 KB of an answer are kept, and secrets in it are not", async () => {
    const body = `you sent Bearer s3cr3t-t0ken ${"x".repeat(5000)}`;

    const { error } = await deliver({
      options: { auth: { bearer: "s3cr3t-t0ken" } },
      respond: { status: 400, body },
    });

    expect(error?.answer?.body).toMatch(/^you sent Bearer \[redacted\] xxx/);
    expect(error?.answer?.body).toHaveLength(2048);
  });

  test("a secret at the edge of the 2 KB is not cut in two and so revealed", async () => {
    const { error } = await deliver({
      options: { auth: { bearer: "s3cr3t-t0ken-that-is-long" } },
      respond: { status: 400, body: `${"x".repeat(2040)}s3cr3t-t0ken-that-is-long` },
    });

    expect(error?.answer?.body).not.toContain("s3cr");
  });

  test("an endless body is no failure, and is cut soon", async () => {
    await using receiver = await createHttpReceiver({ respond: ["endless", 200] });
    await using opened = await openHook(webhook, { url: receiver.url, allowPrivate: true });

    const outcome = await opened.hook.deliver(createTestDelivery());
    await opened.hook.deliver(createTestDelivery());

    expect(outcome).toMatchObject({
      type: "delivered",
      answer: { status: 200, body: "x".repeat(2048) },
    });
    expect(receiver.connections).toBe(2);
  });

  test.for(["short", "drip-body"] as const)(
    "a body that never ends (%s) does not undo a 200",
    async (respond) => {
      const startedAt = performance.now();

      const { outcome } = await deliver({ respond });

      expect(outcome).toMatchObject({ type: "delivered", answer: { status: 200 } });
      expect(performance.now() - startedAt).toBeLessThan(3000);
    },
  );

  test("a compressed answer is neither asked for nor unpacked", async () => {
    const { request, outcome } = await deliver({ respond: "gzip-bomb" });

    expect(request?.headers).not.toHaveProperty("accept-encoding");
    expect(outcome).toMatchObject({
      type: "delivered",
      answer: { body: expect.stringContaining("not shown") },
    });
  });

  test("headers without end are worth another attempt", async () => {
    const { error } = await deliver({ respond: "huge-headers" });

    expect(error).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
  });

  test("a redirect is refused, and named by its host only", async () => {
    const location = "https://other.example:8443/secret/path?token=1";

    const { error, requests } = await deliver({ respond: { status: 307, headers: { location } } });

    expect(error).toMatchObject({ code: "REDIRECT_REFUSED", retryable: false });
    expect(error?.message).toContain("307");
    expect(error?.message).toContain("other.example:8443");
    expect(error?.message).not.toContain("secret");
    expect(requests).toHaveLength(1);
  });

  test.for([
    ["//evil.example/x?token=1", "a redirect to evil.example,"],
    ["/elsewhere?token=1", "a redirect to another path,"],
    ["elsewhere", "a redirect to another path,"],
    ["mailto:a@b.c", "a redirect to another scheme,"],
    ["http://[", "a redirect to nowhere,"],
  ])("a redirect to %s is called %s", async ([location = "", words = ""]) => {
    const { error } = await deliver({ respond: { status: 302, headers: { location } } });

    expect(error?.message).toContain(words);
    expect(error?.message).not.toContain("token");
  });

  test("a 304 is called what it is", async () => {
    const { error } = await deliver({ respond: 304 });

    expect(error).toMatchObject({ code: "REDIRECT_REFUSED", retryable: false });
    expect(error?.message).toContain('"not modified", which is no answer to a webhook.');
  });

  test("a redirect to a private address is not followed", async () => {
    await using trap = await createHttpReceiver();

    const { error } = await deliver({ respond: { status: 301, headers: { location: trap.url } } });

    expect(error?.code).toBe("REDIRECT_REFUSED");
    expect(trap.requests).toHaveLength(0);
  });

  test("an error says which host answered what to which event, and what to do", async () => {
    const { error, port } = await deliver({ respond: 401 });

    expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
    expect(error?.message).toBe(
      `test: 127.0.0.1:${port} answered 401 to event ${event.id}. Check "auth", "headers" and "signing".`,
    );
  });

  test("413 is worth another attempt if it says when", async () => {
    const plain = await deliver({ respond: 413 });
    const dated = await deliver({ respond: { status: 413, headers: { "retry-after": "5" } } });
    const unclear = await deliver({ respond: { status: 413, headers: { "retry-after": "-5" } } });

    expect(plain.error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
    expect(dated.error).toMatchObject({
      code: "RECEIVER_FAILED",
      retryable: true,
      retryAfterMs: 5000,
    });
    expect(unclear.error?.retryable).toBe(false);
  });

  test("Retry-After is honoured on 408, 413, 429 and 503, as a date too", async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const waits = await Promise.all(
      [408, 413, 429, 503, 500, 502].map(async (status) => {
        const { error } = await deliver({ respond: { status, headers: { "retry-after": date } } });
        return [status, error?.retryAfterMs];
      }),
    );

    const hour = expect.closeTo(3_600_000, -4);
    expect(waits).toEqual([
      ...[408, 413, 429, 503].map((status) => [status, hour]),
      ...[500, 502].map((status) => [status, undefined]),
    ]);
  });

  test("a Retry-After given twice is ignored", async () => {
    const { error } = await deliver({
      respond: { status: 429, headers: { "retry-after": ["5", "6"] } },
    });

    expect(error).toMatchObject({ retryable: true, scope: "destination", retryAfterMs: undefined });
  });

  test("statuses change what an answer means, the exact one before its class", async () => {
    const statuses = {
      "404": "retry",
      "409": "delivered",
      "4xx": "permanent",
      "503": "disable",
    } as const;
    const meanings = await Promise.all(
      [404, 409, 429, 503, 500].map(async (status) => {
        const { error, outcome } = await deliver({ options: { statuses }, respond: status });
        return [status, error === undefined ? outcome?.type : `${error.code} ${error.scope}`];
      }),
    );

    expect(meanings).toEqual([
      [404, "RECEIVER_FAILED delivery"],
      [409, "delivered"],
      [429, "RECEIVER_REFUSED delivery"],
      [503, "RECEIVER_GONE gone"],
      [500, "RECEIVER_FAILED delivery"],
    ]);
  });

  test.for([
    ["no HTTP", "hello world\r\n\r\n", "answered something that is no HTTP"],
    [
      "100 Continue unasked",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
      "answered 100 Continue unasked",
    ],
  ] as const)("%s is called what it is, and worth another attempt", async ([, answer, words]) => {
    await using receiver = await createRawReceiver(answer);
    const options = { url: receiver.url, allowPrivate: true };
    await using opened = await openHook(webhook, options);

    await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
      code: "RECEIVER_FAILED",
      retryable: true,
      message: expect.stringContaining(words),
    });
  });

  test("a receiver that is not there is unreachable", async () => {
    const receiver = await createHttpReceiver();
    await receiver[Symbol.asyncDispose]();

    const { error } = await deliver({ options: { url: receiver.url } });

    expect(error).toMatchObject({ code: "RECEIVER_UNREACHABLE", retryable: true });
    expect(error?.message).toContain("ECONNREFUSED");
  });
});

describe("check", () => {
  const check = async (receiver: HttpReceiver) => {
    await using opened = await openHook(webhook, { url: `${receiver.url}/x`, allowPrivate: true });
    return opened.hook.check?.(AbortSignal.timeout(5000));
  };

  test("connects, sends nothing and says what was reached", async () => {
    await using receiver = await createHttpReceiver();

    const report = await check(receiver);

    expect(report?.summary).toMatch(
      /^127\.0\.0\.1:\d+ reached in \d+ ms \(TCP\); no request was sent$/,
    );
    expect(receiver.connections).toBe(1);
    expect(receiver.requests).toHaveLength(0);
  });

  test("fails where nothing listens", async () => {
    const receiver = await createHttpReceiver();
    await receiver[Symbol.asyncDispose]();

    await expect(check(receiver)).rejects.toMatchObject({ code: "RECEIVER_UNREACHABLE" });
  });
});

describe("what the kind says", () => {
  test.for([
    ["https://api.example.com/x", "api.example.com:443"],
    ["https://api.example.com:8443/y", "api.example.com:8443"],
    ["http://[::1]/", "[::1]:80"],
  ])("the destination of %s is %s", ([url, destination]) => {
    expect(webhook.kind.destination?.({ url })).toBe(destination);
  });

  test("the payload is a template", () => {
    expect(webhook.kind.templates).toEqual(["payload"]);
  });

  test("secrets are keys, passwords, tokens in headers and URLs, and the proxy's user", () => {
    const secrets = webhook.kind.secrets?.({
      url: "https://hooks.example.com/services/T00000000000/B0123456789abcdef0/plain?sig=abcdefgh12&v=1",
      signing: { secrets: ["whsec_AAA", "BBB"], ed25519: "whsk_CCC" },
      auth: { basic: { username: "me", password: "word" } },
      headers: { Authorization: "Token abc", "X-Api-Key": "def", Cookie: "ghi", "X-Team": "data" },
      tls: { key: "PEM", cert: "public" },
      proxy: "http://pu%40x:p%C3%A4ss@proxy:3128",
    });

    expect(secrets).toEqual(
      expect.arrayContaining([
        ...["whsec_AAA", "AAA", "BBB", "whsk_CCC", "CCC", "word", "me:word"],
        ...["Token abc", "abc", "def", "ghi", "PEM", "päss", "p%C3%A4ss", "pu@x:päss"],
        ...["B0123456789abcdef0", "abcdefgh12"],
      ]),
    );
    for (const open of ["data", "public", "plain", "1", "me"]) expect(secrets).not.toContain(open);
  });

  test("its options are options of no other shape", () => {
    // @ts-expect-error: a misspelt option
    const wrong = webhook({ url: "https://x.de", allowprivate: true });
    // @ts-expect-error: the url is needed
    const empty = webhook({});

    expect([wrong.kind, empty.kind]).toEqual([webhook.kind, webhook.kind]);
  });
});
