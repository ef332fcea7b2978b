import { createRedactor, type HookContext, HookError } from "@pipehooks/core";
import {
  createHttpReceiver,
  createTestDelivery,
  createTestEvent,
  openHook,
  type Respond,
} from "@pipehooks/testing";
import { type WebhookOptions, webhook } from "@pipehooks/webhook";
import { describe, expect, test } from "vitest";
import { createRawReceiver } from "./raw-receiver.ts";

/** What is kept of the answer to one delivery. */
async function keptOf(options: WebhookOptions, context: Partial<HookContext> = {}) {
  await using opened = await openHook(webhook, { allowPrivate: true, ...options }, context);
  const ending = await Promise.resolve(opened.hook.deliver(createTestDelivery())).catch(
    (error: HookError) => error,
  );
  return ending instanceof HookError || ending?.type === "delivered"
    ? ending.answer?.body
    : expect.fail("it was skipped");
}

async function keptOfAnswer(
  respond: Respond,
  options: Partial<WebhookOptions> = {},
  context?: Partial<HookContext>,
) {
  await using receiver = await createHttpReceiver({ respond });
  return await keptOf({ url: receiver.url, ...options }, context);
}

describe("an answer that ends within a secret keeps no part of it", () => {
  test.for([
    ["a bearer", { auth: { bearer: "t0ken-that-is-long" } }, "t0ken-that-is"],
    ["basic credentials", { auth: { basic: { username: "me", password: "s3cr3t" } } }, "bWU6czNj"],
    [
      "a header that only the bus knows for one",
      { headers: { "X-Auth": "Key A1b2C3d4" } },
      "A1b2C",
    ],
    ["a text of the payload", { payload: { keys: ["A1b2C3d4"] } }, "A1b2C"],
    [
      "one cut within a character",
      { auth: { basic: { username: "me", password: "wörd" } } },
      "me:w\xc3",
    ],
  ] as const)("%s", async ([, options, part]) => {
    const secrets = webhook.kind.secrets?.({ url: "https://example.com/", ...options }) ?? [];
    const redact = createRedactor([...secrets, "A1b2C3d4"]);
    const respond = { status: 400, body: Buffer.from(`you sent ${part}`, "latin1") };

    expect(await keptOfAnswer(respond, options, { redact })).toBe("you sent [redacted]");
  });

  test("an answer that stalls there, too", async () => {
    const bearer = "A1b2C3d4".repeat(8);
    await using receiver = await createRawReceiver(
      `HTTP/1.1 500 No\r\ncontent-length: 999\r\n\r\nyou sent ${bearer.slice(0, 60)}`,
    );

    expect(await keptOf({ url: receiver.url, auth: { bearer } })).toBe("you sent [redacted]");
  });

  test.for(["the word is t0k", "t0ken is not the end", "an end of t0ken-that-was"])(
    "what only looks like it stays: %s",
    async (body) => {
      expect(await keptOfAnswer({ body }, { auth: { bearer: "t0ken-that-is-long" } })).toBe(body);
    },
  );
});

describe("keys in the URL", () => {
  const key = "qL7+3x/Vb9Zk2T0yN1mA5w==";
  const lowerHex = "qL7%2b3x%2fVb9Zk2T0yN1mA5w%3d%3d";

  test.for([
    [`/in?sig=${key}`, "/in?sig=[redacted]"],
    [`/in?sig=${lowerHex}&v=1`, "/in?sig=[redacted]&v=1"],
    [`/in?sig=${encodeURIComponent(key)}`, "/in?sig=[redacted]"],
    [`/in?${key.replaceAll("=", "")}&v=1`, "/in?[redacted]&v=1"],
    ["/in?sig=100%25-of-%zz", "/in?sig=[redacted]"],
    ["/in?sig=%71L7Vb9Zk2T0yN", "/in?sig=[redacted]"],
    ["/in/qL7+3xVb9Zk2T0yN1mA5w==/x", "/in/[redacted]/x"],
    [`/in/${lowerHex}/x`, "/in/[redacted]/x"],
    ["/bot12345:AAbbCCddEEff-gg/send", "/[redacted]/send"],
    ["/in/qLxVbZkTyNmAwRtPqHg", "/in/[redacted]"],
    ["/in/qAxEbOkUyImAwEtOqUg", "/in/[redacted]"],
    ["/in/abcdefghijklmnopqrstuvwx", "/in/[redacted]"],
  ])("%s is kept as %s", async ([path = "", kept = ""]) => {
    await using receiver = await createHttpReceiver({
      respond: (request) => ({ status: 404, body: `no route ${request.path}` }),
    });
    const options = { url: receiver.url + path, allowPrivate: true };
    await using opened = await openHook(webhook, options);

    expect(await keptOf(options)).toBe(`no route ${kept}`);
    expect(await opened.hook.render?.(createTestDelivery())).toMatchObject({
      target: `POST ${receiver.url}${kept}`,
    });
  });

  test("an answer may quote one decoded, with plus as a space or not", async () => {
    const url = `https://example.com/in?sig=${lowerHex.replace("%2b", "+")}`;
    const redact = createRedactor(webhook.kind.secrets?.({ url }) ?? []);

    expect(redact(`no ${key}`)).toBe("no [redacted]");
    expect(redact(`no ${encodeURIComponent(key)}`)).toBe("no [redacted]");
    expect(redact(`no ${key.replace("+", " ")}`)).toBe("no [redacted]");
  });

  test.for([
    "/pipeline-notifications/organizationalUnitManagement/IncomingWebhookHandler",
    "/internationalization/notify_of_failures/getOrderByIdOrName",
    "/%C3%84nderungsmitteilungen/order%20confirmations%202026?source=dbt",
  ])("words are none: %s", (path) => {
    expect(webhook.kind.secrets?.({ url: `https://example.com${path}` })).toEqual([]);
  });
});

test("a secret of digits leaves what is rendered JSON, with its numbers", async () => {
  const payload = { day: "${metadata.day}", text: "of ${metadata.day}", "20260329": true };
  await using opened = await openHook(webhook, {
    url: "https://example.com/in?account=20260329",
    payload,
  });
  const event = createTestEvent({ metadata: { day: 20260329 } });

  const rendered = await opened.hook.render?.(createTestDelivery({ event }));

  expect(rendered?.body).toEqual({ day: 20260329, text: "of [redacted]", "[redacted]": true });
});
