import { generateKeyPairSync } from "node:crypto";
import { email } from "@pipehooks/email";
import { checkOptions, createTestDelivery, openHook } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { failedEvent } from "./post-office.ts";

const smtp = { host: "smtp.example.com" };
const good = { smtp, from: "a@example.com", to: "b@example.com" };
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

async function problemsOf(options: unknown): Promise<Record<string, string>> {
  const { problems } = await checkOptions(email.kind, options);
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]));
}

test("a server, a sender and a recipient are enough", async () => {
  expect(await problemsOf(good)).toEqual({});
});

test("everything wrong is reported at once", async () => {
  const problems = await problemsOf({
    smtp: { host: "smtp://x:25", port: 0, auth: { user: "u" }, allowPlane: true },
    from: "nobody",
    subject: "${a",
    timeZone: "Mars/Olympus",
    headers: { Subject: "x" },
  });

  expect(Object.keys(problems).sort()).toEqual(
    [
      "from",
      "headers.Subject",
      "smtp",
      "smtp.auth",
      "smtp.host",
      "smtp.port",
      "subject",
      "timeZone",
      "to",
    ].sort(),
  );
});

const wrong: readonly (readonly [string, object, string])[] = [
  ["neither server nor service", { smtp: undefined }, ""],
  ["both", { ses: {} }, "ses"],
  ["nobody to mail to", { to: undefined }, "to"],
  ["a recipient that is none", { to: ["b@example.com", "c"] }, "to.1"],
  ["an empty list", { cc: [] }, "cc"],
  ["several senders", { from: "a@example.com, b@example.com" }, "from"],
  ["a template that is not closed", { text: "${x" }, "text"],
  ["HTML that is not closed", { html: "<p>${x</p>" }, "html"],
  ["raw HTML that nothing reads", { html: "${a}", htmlRaw: ["b"] }, "htmlRaw"],
  ["a size without a unit", { maxBody: "200" }, "maxBody"],
  ["a size that no mail fits in", { maxBody: "8191B" }, "maxBody"],
  ["a list id with spaces", { listId: "my list" }, "listId"],
  ["a header with a line in it", { headers: { "X-A": "a\r\nb" } }, "headers.X-A"],
  ["a header that is set anyway", { headers: { "Message-ID": "<x>" } }, "headers.Message-ID"],
  [
    "a key that is none",
    { dkim: { domain: "x.y", selector: "s", privateKey: "k" } },
    "dkim.privateKey",
  ],
  [
    "password and token",
    { smtp: { ...smtp, auth: { user: "u", pass: "p", oauth2: { accessToken: "t" } } } },
    "smtp.auth",
  ],
  [
    "a token without its client",
    { smtp: { ...smtp, auth: { user: "u", oauth2: { refreshToken: "t" } } } },
    "smtp.auth.oauth2.clientId",
  ],
  [
    "a service without its key",
    { smtp: { ...smtp, auth: { user: "u", oauth2: { serviceClient: "s" } } } },
    "smtp.auth.oauth2.privateKey",
  ],
  [
    "a plain address of tokens",
    {
      smtp: {
        ...smtp,
        auth: { user: "u", oauth2: { accessToken: "t", accessUrl: "http://x.y/" } },
      },
    },
    "smtp.auth.oauth2.accessUrl",
  ],
  [
    "a method beside a token",
    { smtp: { ...smtp, auth: { user: "u", method: "PLAIN", oauth2: { accessToken: "t" } } } },
    "smtp.auth.method",
  ],
  ["a certificate without key", { smtp: { ...smtp, tls: { cert: "x" } } }, "smtp.tls.cert"],
  [
    "a time without unit",
    { smtp: { ...smtp, timeouts: { connect: "10" } } },
    "smtp.timeouts.connect",
  ],
  ["no connections", { smtp: { ...smtp, pool: { connections: 0 } } }, "smtp.pool.connections"],
  ["a region that is none", { smtp: undefined, ses: { region: "Ireland" } }, "ses.region"],
  [
    "a plain endpoint elsewhere",
    { smtp: undefined, ses: { endpoint: "http://x.y" } },
    "ses.endpoint",
  ],
  ["tags with spaces", { smtp: undefined, ses: { tags: { team: "a b" } } }, "ses.tags.team"],
];

test.for(wrong)("%s", async ([, options, path]) => {
  expect(Object.keys(await problemsOf({ ...good, ...options }))).toContain(path);
});

test("a key that cannot sign mails is refused, for they would go out unsigned", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const ed25519 = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const dkim = (key: string) => ({ domain: "x.y", selector: "s", privateKey: key });

  expect(await problemsOf({ ...good, dkim: dkim(ed25519) })).toEqual({
    "dkim.privateKey": "is a key of the kind ed25519, and mails are signed by RSA keys alone",
  });
  expect(await problemsOf({ ...good, dkim: dkim(key) })).toEqual({});
});

test("no secret is shown where it is wrong", async () => {
  const problems = await problemsOf({
    ...good,
    smtp: {
      ...smtp,
      auth: { user: "u", pass: "" },
      tls: { key: "s3cret-key", cert: "s3cret-cert" },
    },
    dkim: { domain: "x.y", selector: "s", privateKey: "s3cret-dkim" },
    headers: { "X-Token": "s3cret\u0000" },
  });

  expect(Object.keys(problems).length).toBeGreaterThan(3);
  expect(JSON.stringify(problems)).not.toContain("s3cret");
});

test("every secret among the options is named by the kind", async () => {
  const oauth2 = {
    clientId: "id",
    clientSecret: "client-s3cret",
    refreshToken: "refresh-s3cret",
    accessToken: "access-s3cret",
    serviceClient: "service",
    privateKey: key,
  };
  const secretsOf = async (options: object) => {
    const { value, problems } = await checkOptions(email.kind, { ...good, ...options });
    expect(problems).toEqual([]);
    return email.kind.secrets?.(value);
  };

  expect(await secretsOf({ smtp: { ...smtp, auth: { user: "u", pass: "pa55word" } } })).toEqual([
    "pa55word",
  ]);
  expect(await secretsOf({ smtp: { ...smtp, auth: { user: "u", oauth2 } } })).toEqual(
    expect.arrayContaining(["client-s3cret", "refresh-s3cret", "access-s3cret", key]),
  );
  expect(await secretsOf({ dkim: { domain: "x.y", selector: "s", privateKey: key } })).toEqual(
    expect.arrayContaining([key, key.split("\n")[1]]),
  );
  const credentials = {
    accessKeyId: "AKIA",
    secretAccessKey: "aws-s3cret",
    sessionToken: "session-s3cret",
  };
  expect(await secretsOf({ smtp: undefined, ses: { credentials } })).toEqual([
    "aws-s3cret",
    "session-s3cret",
  ]);
  expect(await secretsOf({ headers: { "X-Api-Key": "k3y-of-api", "X-Team": "data" } })).toEqual([
    "k3y-of-api",
  ]);
});

describe("what has to be installed", () => {
  const needsOf = (options: object) => {
    const { needs } = email.kind;
    return typeof needs === "function" ? needs({ ...good, ...options }) : needs;
  };

  test("nodemailer, and with SES the client of AWS", () => {
    expect(needsOf({})).toEqual(["nodemailer"]);
    expect(needsOf({ ses: {} })).toEqual(["nodemailer", "@aws-sdk/client-sesv2"]);
  });
});

test("a secret that stands in an event does not come out of what is rendered", async () => {
  const pass = "pa55word-of-mail";
  await using opened = await openHook(email, {
    ...good,
    smtp: { ...smtp, auth: { user: "u", pass } },
    attachErrorOver: "10B",
  });
  const event = failedEvent({ pipeline: pass, error: { message: pass, stack: pass.repeat(9) } });

  const rendered = await opened.hook.render?.(createTestDelivery({ event }));

  expect(JSON.stringify(rendered)).toContain("[redacted]");
  expect(JSON.stringify(rendered)).not.toContain(pass);
});

test("the kind's own policy waits minutes, and goes on for hours", () => {
  expect(email.kind.policy).toMatchObject({
    retry: { base: "2m", jitter: "equal", cap: "1h", maxAge: "24h" },
  });
});
