import type { HookError, Outcome } from "@pipehooks/core";
import { createHttpReceiver, createTestDelivery, openHook } from "@pipehooks/testing";
import { type WebhookOptions, webhook } from "@pipehooks/webhook";
import { describe, expect, test } from "vitest";
import type { Pair } from "../../../testing/src/certificates.ts";
import { createCertificates } from "./certificates.ts";
import { createForwardProxy } from "./forward-proxy.ts";
import { createStrictReceiver } from "./strict-receiver.ts";

const certificates = await createCertificates();

async function deliver(server: Pair & { ca?: string }, options: Partial<WebhookOptions>) {
  await using receiver = await createHttpReceiver({ tls: server });
  const url = `${receiver.url}/secret-path`;
  await using opened = await openHook(webhook, { url, allowPrivate: true, ...options });
  const check = await opened.hook.check?.(AbortSignal.timeout(3000)).then(
    (report) => report?.summary,
    (error: HookError) => error.code,
  );
  const ending = await Promise.resolve(opened.hook.deliver(createTestDelivery())).then(
    (outcome) => outcome as Outcome,
    (error: HookError) => error,
  );
  return { ending, check, logs: opened.logs, requests: receiver.requests };
}

describe.skipIf(certificates === undefined)("TLS", () => {
  const { ca, server, otherServer, expiredServer, client, stranger } =
    certificates ?? ({} as NonNullable<typeof certificates>);

  test("a certificate of an own authority is trusted with tls.ca, and the times are kept", async () => {
    const { ending, check } = await deliver(server, { tls: { ca } });

    expect(ending).toMatchObject({
      type: "delivered",
      answer: { timing: { connect: expect.any(Number), tls: expect.any(Number) } },
    });
    expect(check).toContain("(TLS 1.3)");
  });

  test.for([
    ["of an unknown authority", "server", false],
    ["signed by itself", "stranger", true],
    ["for another address", "otherServer", true],
    ["that has expired", "expiredServer", true],
  ] as const)("a certificate %s is refused for good", async ([, name, withCa]) => {
    const pair = { server, otherServer, expiredServer, stranger }[name];

    const { ending, check, requests } = await deliver(pair, withCa ? { tls: { ca } } : {});

    expect(ending).toMatchObject({ code: "RECEIVER_UNTRUSTED", retryable: false });
    expect((ending as HookError).message).toContain("tls.ca");
    expect((ending as HookError).message).not.toContain("secret-path");
    expect(check).toBe("RECEIVER_UNTRUSTED");
    expect(requests).toHaveLength(0);
  });

  test("verify: false takes any certificate, and warns each time the hook is made", async () => {
    for (let times = 0; times < 2; times += 1) {
      const { ending, logs } = await deliver(stranger, { tls: { verify: false } });

      expect(ending).toMatchObject({ type: "delivered" });
      expect(logs).toMatchObject([
        { level: "warn", message: expect.stringContaining("tls.verify") },
      ]);
    }
  });

  test("with verify on, nothing is warned of", async () => {
    expect((await deliver(server, { tls: { ca, verify: true } })).logs).toEqual([]);
  });

  test("a client certificate is shown to a receiver that asks for it", async () => {
    const { ending } = await deliver({ ...server, ca }, { tls: { ca, ...client } });

    expect(ending).toMatchObject({ type: "delivered" });
  });

  test.for(["none", "unknown"] as const)(
    "a client certificate that is %s is a failure for good",
    async (which) => {
      await using receiver = await createStrictReceiver({ ...server, ca });
      const tls = { ca, ...(which === "none" ? {} : stranger) };
      await using opened = await openHook(webhook, { url: receiver.url, allowPrivate: true, tls });

      await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
        code: "RECEIVER_REFUSED",
        retryable: false,
        message: expect.stringContaining("tls.cert"),
      });
    },
  );

  test("hooks with different certificates share no connection", async () => {
    await using receiver = await createHttpReceiver({ tls: server });
    const options = { url: receiver.url, allowPrivate: true };
    await using first = await openHook(webhook, { ...options, tls: { ca } });
    await using second = await openHook(webhook, { ...options, tls: { ca, ...client } });

    for (const { hook } of [first, second]) await hook.deliver(createTestDelivery());

    expect(receiver.connections).toBe(2);
  });

  test("cert and key must be there both, and belong together", async () => {
    const pathsOf = async (tls: object) => {
      const url = "https://example.com/";
      const result = await webhook.kind.options["~standard"].validate({ url, tls });
      return result.issues?.map((issue) => issue.path?.join("."));
    };

    expect(await pathsOf({ cert: client.cert })).toEqual(["tls.key"]);
    expect(await pathsOf({ key: client.key })).toEqual(["tls.cert"]);
    expect(await pathsOf({ cert: client.cert, key: stranger.key })).toEqual(["tls.key"]);
    expect(await pathsOf({ cert: "x", key: "y" })).toEqual(["tls.cert", "tls.key"]);
    expect(await pathsOf(client)).toBeUndefined();
  });

  describe("through a proxy", () => {
    const credentials = "user:pass word";

    test("https goes through a tunnel, with the proxy's credentials and TLS to the receiver", async () => {
      await using proxy = await createForwardProxy({ credentials });

      const { ending, check, requests } = await deliver(server, { tls: { ca }, proxy: proxy.url });

      expect(ending).toMatchObject({
        type: "delivered",
        answer: { timing: { connect: expect.any(Number), tls: expect.any(Number) } },
      });
      expect(check).toMatch(/reached through 127\.0\.0\.1:\d+ in/);
      expect(requests[0]?.path).toBe("/secret-path");
      expect(requests[0]?.headers).not.toHaveProperty("proxy-authorization");
      expect(proxy.seen[0]).toMatch(/^CONNECT 127\.0\.0\.1:\d+$/);
    });

    test.for([201, 204, 299])("a tunnel is open after any 2xx: %i", async (tunnelStatus) => {
      await using proxy = await createForwardProxy({ tunnelStatus });

      const { ending, check } = await deliver(server, { tls: { ca }, proxy: proxy.url });

      expect(ending).toMatchObject({ type: "delivered" });
      expect(check).toContain("reached through");
    });

    test("a password without a user is sent to the proxy", async () => {
      await using proxy = await createForwardProxy({ credentials: ":word" });

      const { ending } = await deliver(server, { tls: { ca }, proxy: proxy.url });

      expect(ending).toMatchObject({ type: "delivered" });
    });

    test("a proxy over TLS is spoken to over TLS", async () => {
      await using proxy = await createForwardProxy({ tls: server });

      const { ending } = await deliver(server, { tls: { ca }, proxy: proxy.url });

      expect(ending).toMatchObject({ type: "delivered" });
      expect(proxy.seen[0]).toMatch(/^CONNECT /);
    });

    test("wrong credentials are a failure for good that shows none", async () => {
      await using proxy = await createForwardProxy({ credentials });
      const url = proxy.url.replace("pass", "guessed-pass");

      const { ending, check } = await deliver(server, { tls: { ca }, proxy: url });

      expect(ending).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
      expect((ending as HookError).message).toContain("407");
      expect(`${(ending as HookError).message} ${(ending as HookError).cause}`).not.toContain(
        "guessed",
      );
      expect(check).toBe("RECEIVER_REFUSED");
    });

    test("a proxy that cannot reach the receiver, or is not there, is worth another attempt", async () => {
      const proxy = await createForwardProxy({ refuseWith: 502 });
      const refused = await deliver(server, { tls: { ca }, proxy: proxy.url });
      await proxy[Symbol.asyncDispose]();
      const absent = await deliver(server, { tls: { ca }, proxy: proxy.url });

      for (const { ending } of [refused, absent]) {
        expect(ending).toMatchObject({ code: "RECEIVER_UNREACHABLE", retryable: true });
      }
      expect((refused.ending as HookError).message).toContain("502");
    });

    test("the receiver's certificate is checked inside the tunnel", async () => {
      await using proxy = await createForwardProxy({});

      const { ending } = await deliver(otherServer, { tls: { ca }, proxy: proxy.url });

      expect(ending).toMatchObject({ code: "RECEIVER_UNTRUSTED" });
    });

    test("plain http is forwarded, with the receiver's host", async () => {
      await using proxy = await createForwardProxy({ credentials });
      await using receiver = await createHttpReceiver();
      const options = { url: `${receiver.url}/x?y=z`, allowPrivate: true, proxy: proxy.url };
      await using opened = await openHook(webhook, options);

      const outcome = await opened.hook.deliver(createTestDelivery());

      expect(outcome).toMatchObject({ type: "delivered" });
      expect(proxy.seen).toEqual([`POST ${receiver.url}/x?y=z`]);
      expect(receiver.requests[0]).toMatchObject({
        path: "/x?y=z",
        headers: { host: `127.0.0.1:${receiver.port}`, "webhook-id": "whk_test_1" },
      });
    });

    test.for([
      { url: "https://10.0.0.1/" },
      { url: "https://db.internal/", allow: ["10.0.0.0/8"] },
      { url: "http://example.com/", allowPrivate: true },
    ])(
      "what can be refused without DNS is refused before the proxy is asked: %j",
      async (options) => {
        await using proxy = await createForwardProxy({});
        await using opened = await openHook(webhook, { ...options, proxy: proxy.url });

        await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
          code: "TARGET_BLOCKED",
        });
        expect(proxy.seen).toEqual([]);
      },
    );
  });
});
