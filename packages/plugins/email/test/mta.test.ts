import { isHookError } from "@pipehooks/core";
import { email } from "@pipehooks/email";
import { createTestDelivery, openHook } from "@pipehooks/testing";
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";
import { createCertificates } from "./certificates.ts";
import { findExim, startExim } from "./exim.ts";
import { failedEvent } from "./post-office.ts";

const certificates = await createCertificates();
const version = await findExim();
if (version === undefined) {
  process.stderr.write(
    "\n!!! exim4 is not installed: mail through a Debian server is NOT TESTED (run test/mta.sh) !!!\n\n",
  );
}

test("a Debian mail server takes the mail over TLS with a password, each recipient by itself", async ({
  skip,
}) => {
  if (version === undefined || certificates === undefined) {
    return skip("exim4 and openssl are needed: packages/plugins/email/test/mta.sh installs exim4");
  }
  await using exim = await startExim(certificates.server, "pipelines", "pa55word");
  await using opened = await openHook(email, {
    smtp: {
      host: "127.0.0.1",
      port: exim.port,
      auth: { user: "pipelines", pass: "pa55word" },
      tls: { ca: certificates.ca },
    },
    from: "Pipelines <pipelines@example.com>",
    to: ["data@example.com", "nobody@example.com", "later@example.com"],
    attachErrorOver: "100B",
  });
  const event = failedEvent({ pipeline: "Aufträge" });

  const error = await Promise.resolve(opened.hook.deliver(createTestDelivery({ event }))).catch(
    (thrown: unknown) => thrown,
  );
  if (!isHookError(error)) throw error;
  await exim.letLater();
  const outcome = await opened.hook.deliver(
    createTestDelivery({ event, state: error.state, attempt: 2 }),
  );

  expect(error.message).toMatch(/puts off later@example\.com: 451 greylisted, come again/);
  expect(error.message).toMatch(/Refused for good: nobody@example\.com: 550 no such user/);
  expect(outcome).toMatchObject({
    type: "delivered",
    answer: { status: 250, body: expect.stringContaining("nobody@example.com") },
  });
  await expect.poll(() => exim.mailsOf("data"), { timeout: 10_000 }).toHaveLength(1);
  await expect.poll(() => exim.mailsOf("later"), { timeout: 10_000 }).toHaveLength(1);
  expect(await exim.mailsOf("nobody")).toEqual([]);
  const [[first], [second]] = [await exim.mailsOf("data"), await exim.mailsOf("later")];
  const mail = await simpleParser(first ?? "");
  expect(first?.toString()).toMatch(/with esmtpsa/);
  expect(mail.subject).toBe("[CRITICAL] Pipeline Aufträge failed");
  expect(mail.html).toContain("Table or view not found: raw.orders");
  expect(mail.attachments[0]?.content.toString()).toContain("at load (orders.ts:12:3)");
  expect((await simpleParser(second ?? "")).messageId).toBe(mail.messageId);
});

test("a Debian mail server tells a wrong password: the channel stops", async ({ skip }) => {
  if (version === undefined || certificates === undefined) {
    return skip("exim4 and openssl are needed: packages/plugins/email/test/mta.sh installs exim4");
  }
  await using exim = await startExim(certificates.server, "pipelines", "pa55word");
  await using opened = await openHook(email, {
    smtp: {
      host: "127.0.0.1",
      port: exim.port,
      auth: { user: "pipelines", pass: "another" },
      tls: { ca: certificates.ca },
    },
    from: "pipelines@example.com",
    to: "data@example.com",
  });

  await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
    code: "RECEIVER_REFUSED",
    scope: "gone",
    answer: { status: 535 },
  });
});
