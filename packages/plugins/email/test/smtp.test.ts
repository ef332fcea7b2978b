import { once } from "node:events";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { createRedactor } from "@pipehooks/core";
import { email } from "@pipehooks/email";
import { createHttpReceiver, openHook, type SmtpFault } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createCertificates } from "./certificates.ts";
import { openPostOffice } from "./post-office.ts";

const certificates = await createCertificates();
const short = { connect: "600ms", greeting: "300ms", socket: "600ms", dns: "600ms" };

test("a mail arrives, with the recipients of every header", async () => {
  await using office = await openPostOffice({
    to: ["a@example.com", "Bea <b@example.com>, c@example.com"],
    cc: "d@example.com",
    bcc: ["e@example.com", "A@example.com"],
    replyTo: "Data team <data@example.com>",
  });

  const outcome = await office.deliver();

  const [mail] = office.server.mails;
  const parsed = await office.mail();
  expect(outcome).toMatchObject({ type: "delivered", answer: { status: 250 } });
  expect(mail?.from).toBe("pipelines@example.com");
  expect(mail?.to).toEqual(["a", "b", "c", "d", "e"].map((name) => `${name}@example.com`));
  expect(parsed.from?.text).toBe('"Pipelines" <pipelines@example.com>');
  expect(parsed.headers.get("reply-to")).toMatchObject({ text: '"Data team" <data@example.com>' });
  expect(parsed.headers.get("cc")).toMatchObject({ text: "d@example.com" });
  expect(mail?.text).not.toContain("e@example.com");
});

test("subject, names and addresses may be of any script", async () => {
  await using office = await openPostOffice({
    from: "Обработка <pipelines@example.com>",
    to: ["Zoë <zoë@exämple.com>"],
    subject: "${pipeline} ist überfällig ⚠️",
  });

  await office.deliver();

  const parsed = await office.mail();
  expect(parsed.subject).toBe("orders ist überfällig ⚠️");
  expect(parsed.from?.value[0]?.name).toBe("Обработка");
  expect(office.server.mails[0]?.to).toEqual(["zoë@exämple.com"]);
});

test("what nobody will be mailed to twice is told apart by the ASCII form of the domain, too", async () => {
  await using office = await openPostOffice({ to: ["zoe@exämple.com", "b@example.com"] });
  office.server.fault({ on: "rcptTo", to: "b@example.com", answer: "450 4.2.0 later", times: 1 });

  const { state } = await office.failure();
  await office.deliver({ state, attempt: 2 });

  expect(office.server.mails.map(({ to }) => to)).toEqual([["zoe@exämple.com"], ["b@example.com"]]);
});

describe.skipIf(certificates === undefined)("TLS", () => {
  const { ca, server, namedServer, stranger, client } = certificates ?? ({} as never);

  test("STARTTLS is used where it is offered", async () => {
    await using office = await openPostOffice(
      { smtp: { tls: { ca } } },
      { server: { tls: server } },
    );

    await office.deliver();

    expect(office.server.mails[0]?.encrypted).toBe(true);
  });

  test("`secure` speaks TLS from the first byte", async () => {
    await using office = await openPostOffice(
      { smtp: { secure: true, tls: { ca } } },
      { server: { tls: server, secure: true } },
    );

    await office.deliver();

    expect(office.server.mails[0]?.encrypted).toBe(true);
  });

  test("a certificate that is not trusted is a matter of configuration", async () => {
    await using office = await openPostOffice({}, { server: { tls: stranger } });

    const error = await office.failure();

    expect(error).toMatchObject({ code: "RECEIVER_UNTRUSTED", retryable: false });
    expect(error.message).toContain("smtp.tls.ca");
    expect(office.server.mails).toEqual([]);
  });

  test("it is taken with its issuer in `ca`, and with `verify: false`, which warns", async () => {
    await using trusting = await openPostOffice(
      { smtp: { tls: { ca: stranger.cert } } },
      { server: { tls: stranger } },
    );
    await using careless = await openPostOffice(
      { smtp: { tls: { verify: false } } },
      { server: { tls: stranger } },
    );

    await trusting.deliver();
    await careless.deliver();

    expect(trusting.server.mails).toHaveLength(1);
    expect(careless.server.mails).toHaveLength(1);
    expect(trusting.opened.logs).toEqual([]);
    expect(careless.opened.logs).toMatchObject([
      { level: "warn", message: expect.stringContaining("tls.verify") },
    ]);
  });

  test("the certificate must have the host's name, or that of `servername`", async () => {
    await using wrong = await openPostOffice(
      { smtp: { tls: { ca } } },
      { server: { tls: namedServer } },
    );
    await using named = await openPostOffice(
      { smtp: { tls: { ca, servername: "mail.example.com" } } },
      { server: { tls: namedServer } },
    );

    const error = await wrong.failure();
    await named.deliver();

    expect(error.code).toBe("RECEIVER_UNTRUSTED");
    expect(named.server.mails).toHaveLength(1);
  });

  test("a client certificate is shown where one is asked for", async () => {
    const tls = { ...server, ca };
    await using without = await openPostOffice(
      { smtp: { secure: true, tls: { ca } } },
      { server: { tls, secure: true } },
    );
    await using office = await openPostOffice(
      { smtp: { secure: true, tls: { ca, ...client } } },
      { server: { tls, secure: true } },
    );

    await without.failure();
    await office.deliver();

    expect(without.server.mails).toEqual([]);
    expect(office.server.mails).toHaveLength(1);
  });

  test("`minVersion` refuses an older TLS", async () => {
    await using office = await openPostOffice(
      { smtp: { secure: true, tls: { ca, minVersion: "TLSv1.3" } } },
      { server: { tls: { ...server, ...{ maxVersion: "TLSv1.2" } }, secure: true } },
    );

    const error = await office.failure();

    expect(error.retryable).toBe(false);
    expect(error.message).toContain("TLS");
  });

  test("TLS towards a plain port is named as what it is", async () => {
    await using office = await openPostOffice({ smtp: { secure: true } });

    const error = await office.failure();

    expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
    expect(error.message).toContain('"smtp.secure"');
  });
});

// Another name for this machine, as any server elsewhere has one.
const elsewhere = { host: (await import("node:os")).hostname() };
const isResolvable = await import("node:dns/promises")
  .then(({ lookup }) => lookup(elsewhere.host))
  .then(({ address }) => address.startsWith("127."))
  .catch(() => false);

describe("a server that is not this machine", () => {
  test("without TLS nothing is sent to it", async ({ skip }) => {
    if (!isResolvable) skip("the name of this machine does not lead to its loopback interface");
    await using office = await openPostOffice({ smtp: elsewhere });

    const error = await office.failure();

    expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
    expect(error.message).toContain('"smtp.allowPlain" ("smtp.allow_plain" in YAML)');
    expect(office.server.count("mailFrom")).toBe(0);
  });

  test.skipIf(certificates === undefined)(
    "STARTTLS is asked for even if the server does not tell that it knows it",
    async ({ skip }) => {
      if (!isResolvable) skip("the name of this machine does not lead to its loopback interface");
      const { ca, server } = certificates ?? ({} as never);
      await using office = await openPostOffice(
        { smtp: { ...elsewhere, tls: { ca, servername: "localhost" } } },
        { server: { tls: server, hideStartTls: true } },
      );

      await office.deliver();

      expect(office.server.mails).toMatchObject([{ encrypted: true }]);
    },
  );

  test("`allowPlain` lets mail go unencrypted, and warns", async ({ skip }) => {
    if (!isResolvable) skip("the name of this machine does not lead to its loopback interface");
    await using office = await openPostOffice({ smtp: { ...elsewhere, allowPlain: true } });

    await office.deliver();

    expect(office.server.mails).toMatchObject([{ encrypted: false }]);
    expect(office.opened.logs).toMatchObject([
      {
        level: "warn",
        message: expect.stringMatching(
          /"smtp\.allowPlain" \("smtp\.allow_plain" in YAML\) is on, so mails travel unencrypted/,
        ),
      },
    ]);
  });
});

describe("signing in", () => {
  const account = { user: "pipelines", pass: "s3cret-pa55" };

  test.for(["PLAIN", "LOGIN", "CRAM-MD5"] as const)("%s", async (method) => {
    await using office = await openPostOffice(
      { smtp: { auth: { ...account, method } } },
      { server: { auth: account, authMethods: [method] } },
    );

    await office.deliver();

    expect(office.server.mails).toMatchObject([{ user: "pipelines" }]);
  });

  test("a wrong password stops the channel, so that it is not tried with every event", async () => {
    await using office = await openPostOffice(
      { smtp: { auth: { ...account, pass: "wr0ng-pa55" } } },
      { server: { auth: account } },
    );

    const error = await office.failure();

    expect(error).toMatchObject({
      code: "RECEIVER_REFUSED",
      retryable: false,
      scope: "gone",
      answer: { status: 535 },
    });
    expect(error.message).toContain('Check "smtp.auth"');
    expect(inspect(error)).not.toContain("wr0ng");
  });

  test("a server that cannot look for now is asked again", async () => {
    await using office = await openPostOffice(
      { smtp: { auth: account } },
      { server: { auth: account } },
    );
    office.server.fault({ on: "auth", answer: "454 4.7.0 Temporary authentication failure" });

    expect(await office.failure()).toMatchObject({
      code: "RECEIVER_FAILED",
      retryable: true,
      scope: "destination",
      answer: { status: 454 },
    });
  });

  test("a server that wants credentials where there are none stops the channel", async () => {
    await using office = await openPostOffice({}, { server: { auth: account } });

    const error = await office.failure();

    expect(error).toMatchObject({ retryable: false, scope: "gone", answer: { status: 530 } });
    expect(error.message).toMatch(/refused the sender: 530.*Check "smtp\.auth", then enable/);
  });

  test.for([
    ["to all recipients", { on: "rcptTo", answer: "530 5.7.1 Client was not authenticated" }],
    ["to the mail", { on: "data", answer: "530 5.7.0 Authentication required" }],
  ] as const)("it may say so late: %s", async ([, fault]) => {
    await using office = await openPostOffice({ to: ["a@example.com", "b@example.com"] });
    office.server.fault(fault);

    const error = await office.failure();

    expect(error).toMatchObject({ retryable: false, scope: "gone", answer: { status: 530 } });
    expect(error.message).toContain('Check "smtp.auth"');
  });

  test("OAuth 2.0: a token is had with the refresh token, and used over XOAUTH2", async () => {
    await using tokens = await createHttpReceiver({
      respond: { body: JSON.stringify({ access_token: "t0ken-of-today", expires_in: 3600 }) },
    });
    const oauth2 = {
      clientId: "id",
      clientSecret: "client-s3cret",
      refreshToken: "refresh-s3cret",
      accessUrl: `${tokens.url}/token`,
    };
    await using office = await openPostOffice(
      { smtp: { auth: { user: "pipelines", oauth2 } } },
      { server: { auth: { user: "pipelines", accessToken: "t0ken-of-today" } } },
    );

    await office.deliver();

    expect(office.server.mails).toMatchObject([{ user: "pipelines" }]);
    expect(Object.fromEntries(new URLSearchParams(tokens.requests[0]?.text))).toMatchObject({
      client_id: "id",
      client_secret: "client-s3cret",
      refresh_token: "refresh-s3cret",
      grant_type: "refresh_token",
    });
  });

  test("OAuth 2.0: a token that is there is used as it is", async () => {
    await using office = await openPostOffice(
      { smtp: { auth: { user: "pipelines", oauth2: { accessToken: "t0ken" } } } },
      { server: { auth: { user: "pipelines", accessToken: "t0ken" } } },
    );

    await office.deliver();

    expect(office.server.mails).toHaveLength(1);
  });

  test.for([
    ["is over", 400, { error: "invalid_grant", error_description: "expired" }, false, "gone"],
    ["cannot be had for now", 503, "busy", true, "destination"],
  ] as const)("OAuth 2.0: a token that %s", async ([, status, answer, retryable, scope]) => {
    await using tokens = await createHttpReceiver({
      respond: { status, body: typeof answer === "string" ? answer : JSON.stringify(answer) },
    });
    const oauth2 = {
      clientId: "id",
      clientSecret: "client-s3cret",
      refreshToken: "refresh-s3cret",
      accessUrl: `${tokens.url}/token`,
    };
    await using office = await openPostOffice(
      { smtp: { auth: { user: "pipelines", oauth2 } } },
      { server: { auth: { user: "pipelines", accessToken: "t0ken" } } },
    );

    expect(await office.failure()).toMatchObject({ retryable, scope });
  });
});

describe("what a reply means", () => {
  const table: readonly (readonly [string, SmtpFault, object])[] = [
    ["a sender put off", { on: "mailFrom", answer: "451 4.3.0 later" }, again()],
    ["a sender refused", { on: "mailFrom", answer: "550 5.7.1 not yours" }, dead()],
    ["a recipient put off", { on: "rcptTo", answer: "450 4.2.0 Greylisted" }, again()],
    ["greylisting with 4.7.1", { on: "rcptTo", answer: "451 4.7.1 Greylisted" }, again()],
    ["a recipient refused", { on: "rcptTo", answer: "550 5.1.1 unknown" }, dead()],
    ["throttling", { on: "rcptTo", answer: "450 4.7.28 rate" }, again("destination")],
    ["a mail put off", { on: "data", answer: "452 4.3.1 full" }, again()],
    ["a mail refused", { on: "data", answer: "554 5.6.0 spam" }, dead()],
    ["421 to a mail", { on: "data", answer: "421 4.7.0 slow down" }, again("destination")],
    ["503, a session in disorder", { on: "mailFrom", answer: "503 5.5.1 sequence" }, again()],
    ["a greeting of 421", { on: "connect", answer: "421 4.7.0 busy" }, again("destination")],
    [
      "a greeting of 554",
      { on: "connect", answer: "554 5.7.1 blocked" },
      { ...again("destination"), retryAfterMs: 900_000 },
    ],
    [
      "a connection that is reset after the mail",
      { on: "data", answer: "cut" },
      { code: "RECEIVER_UNREACHABLE", retryable: true },
    ],
    [
      "a connection that is reset before the mail",
      { on: "mailFrom", answer: "cut" },
      { code: "RECEIVER_UNREACHABLE", retryable: true },
    ],
    ["something that is no SMTP", { on: "connect", answer: "garbage" }, { retryable: true }],
    [
      "no greeting",
      { on: "connect", answer: "never" },
      { code: "TIMEOUT", retryable: true, message: expect.stringContaining("greet") },
    ],
    ["no answer", { on: "data", answer: "never" }, { code: "TIMEOUT", retryable: true }],
  ];

  test.for(table)("%s", async ([, fault, expected]) => {
    await using office = await openPostOffice({ smtp: { timeouts: short } });
    office.server.fault(fault);

    expect(await office.failure()).toMatchObject(expected);
  });

  function again(scope = "delivery") {
    return { code: "RECEIVER_FAILED", retryable: true, scope };
  }

  function dead() {
    return { code: "RECEIVER_REFUSED", retryable: false, scope: "delivery" };
  }
});

test("a server that is not there is tried again", async () => {
  await using office = await openPostOffice();
  await office.server[Symbol.asyncDispose]();

  expect(await office.failure()).toMatchObject({
    code: "RECEIVER_UNREACHABLE",
    retryable: true,
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

test("a name that nobody knows is tried again", async () => {
  await using office = await openPostOffice({ smtp: { host: "mail.invalid", timeouts: short } });

  const error = await office.failure();

  expect(error.retryable).toBe(true);
});

test("a plain TCP server that says nothing ends at `greeting`, one that cannot be reached at `connect`", async () => {
  const silent = createServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  const sockets = new Set<import("node:net").Socket>();
  silent.on("connection", (socket) => sockets.add(socket));
  await using office = await openPostOffice({
    smtp: { port, timeouts: { ...short, greeting: "250ms" } },
  });

  const startedAt = performance.now();
  const error = await office.failure();

  expect(error.code).toBe("TIMEOUT");
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  for (const socket of sockets) socket.destroy();
  silent.close();
});

describe("stopping", () => {
  test.for([
    ["without a greeting", { on: "connect", answer: "never" }],
    ["while a greeting drips", { on: "connect", answer: "drip" }],
    ["while the mail is being taken", { on: "data", answer: "never" }],
  ] as const)("an attempt ends at once when its signal aborts: %s", async ([, fault]) => {
    await using office = await openPostOffice();
    office.server.fault(fault);
    const controller = new AbortController();
    const attempt = office.failure({ signal: controller.signal });
    await expect.poll(() => office.server.count(fault.on)).toBe(1);

    const startedAt = performance.now();
    controller.abort(new Error("stopped"));
    const error = await attempt;

    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(error).toMatchObject({ code: "ABORTED", retryable: true });
    await expect.poll(() => office.server.open).toBe(0);
  });

  test("an attempt ends at its time-out", async () => {
    await using office = await openPostOffice();
    office.server.fault({ on: "connect", answer: "drip" });

    expect(await office.failure({ signal: AbortSignal.timeout(200) })).toMatchObject({
      code: "TIMEOUT",
      retryable: true,
    });
  });

  test("an attempt whose signal has aborted already connects nowhere", async () => {
    await using office = await openPostOffice();

    const error = await office.failure({ signal: AbortSignal.abort(new Error("stopped")) });

    expect(error.retryable).toBe(true);
    expect(office.server.connections).toBe(0);
  });

  test("a hook can be disposed twice, with mails on their way, and leaves no connection", async () => {
    await using office = await openPostOffice();
    office.server.fault({ on: "data", answer: "never" });
    const attempts = [1, 2].map((number) => office.failure({ idempotencyKey: `whk_${number}` }));
    await expect.poll(() => office.server.count("data")).toBe(2);

    await office.opened[Symbol.asyncDispose]();
    await office.opened[Symbol.asyncDispose]();

    for (const error of await Promise.all(attempts)) expect(error.retryable).toBe(true);
    await expect.poll(() => office.server.open).toBe(0);
  });
});

describe("the pool", () => {
  test("no more connections than it may have, and each is used again", async () => {
    await using office = await openPostOffice({ smtp: { pool: { connections: 2 } } });

    await Promise.all(
      Array.from({ length: 12 }, (_, index) => office.deliver({ idempotencyKey: `whk_${index}` })),
    );

    expect(office.server.mails).toHaveLength(12);
    expect(office.server.mostOpen).toBe(2);
    expect(office.server.connections).toBe(2);
  });

  test("what waits for a connection ends when its signal aborts, and the others go on", async () => {
    await using office = await openPostOffice({ smtp: { pool: { connections: 1 } } });
    const hanging = office.server.fault({ on: "data", answer: "never", times: 1 });
    const stuck = new AbortController();
    const waiting = new AbortController();
    const first = office.failure({ signal: stuck.signal, idempotencyKey: "whk_1" });
    await expect.poll(() => office.server.count("data")).toBe(1);
    const second = office.failure({ signal: waiting.signal, idempotencyKey: "whk_2" });
    const third = office.deliver({ idempotencyKey: "whk_3" });

    waiting.abort(new Error("stopped"));
    expect((await second).code).toBe("ABORTED");
    stuck.abort(new Error("stopped"));
    await first;
    await third;

    hanging[Symbol.dispose]();
    expect(office.server.mails).toHaveLength(1);
  });

  test("`messages` opens another connection, `idle` closes one", async () => {
    await using office = await openPostOffice({
      smtp: { pool: { connections: 1, messages: 2, idle: "100ms" } },
    });

    for (const number of [1, 2, 3]) await office.deliver({ idempotencyKey: `whk_${number}` });

    expect(office.server.connections).toBe(2);
    await expect.poll(() => office.server.open).toBe(0);
  });

  test("a connection that the server gave up meanwhile costs no attempt", async () => {
    await using office = await openPostOffice();
    await office.deliver({ idempotencyKey: "whk_1" });
    office.server.fault({ on: "mailFrom", answer: "cut", times: 1 });

    await office.deliver({ idempotencyKey: "whk_2" });

    expect(office.server.mails).toHaveLength(2);
  });
});

test("`name` is what the server is greeted with", async () => {
  await using office = await openPostOffice({ smtp: { name: "pipelines.example.com" } });

  await office.deliver();

  expect(office.server.mails[0]?.greeting).toBe("pipelines.example.com");
});

test("no secret comes out in errors, logs and answers, even if the server echoes it", async () => {
  const account = { user: "pipelines", pass: "s3cret-pa55word" };
  const echo = Buffer.from(`\0${account.user}\0${account.pass}`).toString("base64");
  const seen: unknown[] = [];
  for (const on of ["connect", "auth", "mailFrom", "rcptTo", "data"] as const) {
    for (const status of ["450 4.0.0", "550 5.0.0"] as const) {
      await using office = await openPostOffice(
        { smtp: { auth: account } },
        { server: { auth: account } },
      );
      office.server.fault({
        on,
        answer: `${status as "450 4.0.0"} you said ${account.pass} (${echo})`,
      });
      seen.push(await office.failure(), office.opened.logs);
    }
  }

  const text = inspect(seen, { depth: 12, maxStringLength: null, maxArrayLength: null });
  expect(createRedactor([account.pass])(text)).toBe(text);
});

test("check signs in and sends nothing; a wrong password fails it", async () => {
  const account = { user: "pipelines", pass: "s3cret-pa55" };
  await using office = await openPostOffice(
    { smtp: { auth: account } },
    { server: { auth: account } },
  );
  const signal = new AbortController().signal;

  const report = await office.opened.hook.check?.(signal);
  office.server.fault({ on: "auth", answer: "535 5.7.8 no" });
  const failed = await office.opened.hook.check?.(signal)?.catch((error: unknown) => error);

  expect(report?.summary).toMatch(
    /^127\.0\.0\.1:\d+ reached in \d+ ms, signed in as pipelines; no mail was sent\.$/,
  );
  expect(failed).toMatchObject({ code: "RECEIVER_REFUSED", scope: "gone" });
  expect(office.server.mails).toEqual([]);
});

test("check ends when its signal aborts", async () => {
  await using office = await openPostOffice({ smtp: { timeouts: short } });
  office.server.fault({ on: "connect", answer: "never" });

  await expect(office.opened.hook.check?.(AbortSignal.timeout(100))).rejects.toMatchObject({
    code: "TIMEOUT",
  });
});

test("hooks of one account at one server share a destination", async () => {
  const destination = async (smtp: object) => {
    await using opened = await openHook(email, {
      smtp: { host: "smtp.example.com", ...smtp },
      from: "a@example.com",
      to: "b@example.com",
    });
    return opened.destination;
  };

  expect(await destination({})).toBe("smtp.example.com:587");
  expect(await destination({ secure: true })).toBe("smtp.example.com:465");
  expect(await destination({ port: 465 })).toBe("smtp.example.com:465");
  const [one, two, other] = await Promise.all([
    destination({ auth: { user: "a", pass: "1" } }),
    destination({ auth: { user: "a", pass: "2" } }),
    destination({ auth: { user: "b", pass: "1" } }),
  ]);
  expect(one).toBe(two);
  expect(one).not.toBe(other);
});
