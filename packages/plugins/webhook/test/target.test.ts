import { HookError, silentLogger } from "@pipehooks/core";
import { BlockedTarget, createTargetGuard } from "@pipehooks/core/targets";
import { createHttpReceiver, createTestDelivery, openHook } from "@pipehooks/testing";
import { type WebhookOptions, webhook } from "@pipehooks/webhook";
import { describe, expect, test } from "vitest";
// Names cannot be made to resolve through the public API, so these tests reach one layer below it.
import { createConnections } from "../src/connections.ts";
import type { Received } from "../src/exchange.ts";
import { createSender } from "../src/sender.ts";

/** What comes of a delivery that may fail in any way. */
async function errorOf(
  options: WebhookOptions,
): Promise<{ code: string; text: string; debug: string }> {
  await using opened = await openHook(webhook, options);
  const signal = AbortSignal.timeout(2000);
  const error = await Promise.resolve(opened.hook.deliver(createTestDelivery({ signal }))).then(
    () => expect.fail("it was delivered"),
    (thrown: unknown) => thrown as HookError,
  );
  return {
    code: error.code,
    text: `${error.message} ${error.cause}`,
    debug: JSON.stringify(opened.logs),
  };
}

const whole = (received: Received) => received;

async function send(
  options: Omit<WebhookOptions, "url"> & { url: string },
  resolved: Record<string, readonly string[]>,
) {
  const lines: unknown[] = [];
  const logger = { ...silentLogger, debug: (...line: unknown[]) => lines.push(line) };
  const asked: string[] = [];
  const sender = await createSender(
    options,
    { name: "test", logger },
    (hostname, _options, callback) => {
      asked.push(hostname);
      const addresses = resolved[hostname] ?? [];
      const list = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
      setImmediate(() => callback(null, list));
    },
  );
  try {
    const signal = AbortSignal.timeout(3000);
    const received = await sender.send({ headers: [], body: Buffer.from("{}") }, { signal }, whole);
    return { status: received.status, timing: received.timing, asked };
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    return {
      code: error.code,
      message: error.message,
      cause: error.cause,
      error,
      debug: JSON.stringify(lines),
      asked,
    };
  } finally {
    await sender.close();
  }
}

describe("literal addresses", () => {
  // What the guard itself refuses is tested in core.
  test.for(["127.0.0.1", "169.254.169.254", "[::ffff:7f00:1]", "[fd00:ec2::254]"])(
    "https://%s/ is blocked",
    async (host) => {
      expect((await errorOf({ url: `https://${host}/` })).code).toBe("TARGET_BLOCKED");
    },
  );

  test.for(["169.254.169.254", "100.100.100.200"])(
    "allowPrivate does not open %s",
    async (host) => {
      expect((await errorOf({ url: `https://${host}/`, allowPrivate: true })).code).toBe(
        "TARGET_BLOCKED",
      );
    },
  );

  test("a refusal is permanent and says what to do", async () => {
    await using opened = await openHook(webhook, { url: "https://10.1.2.3/secret-path" });

    await expect(opened.hook.deliver(createTestDelivery())).rejects.toMatchObject({
      retryable: false,
      message:
        'test: 10.1.2.3 is an address that webhooks must not reach. If this is intended, name its range under "allow" or set "allowPrivate" ("allow_private" in YAML).',
    });
  });

  test.for(["127.0.0.1", "[::ffff:127.0.0.1]"])(
    "%s is reached with allowPrivate, by plain http too",
    async (host) => {
      await using receiver = await createHttpReceiver();
      const options = { url: `http://${host}:${receiver.port}/`, allowPrivate: true };
      await using opened = await openHook(webhook, options);

      await opened.hook.deliver(createTestDelivery());

      expect(receiver.requests).toHaveLength(1);
    },
  );

  test.for([
    ["127.0.0.0/8", "delivered"],
    ["127.0.0.1", "delivered"],
    ["127.0.0.1/32:PORT", "delivered"],
    ["127.0.0.1:PORT", "delivered"],
    ["127.0.0.1/32:1", "TARGET_BLOCKED"],
    ["10.0.0.0/8", "TARGET_BLOCKED"],
    ["::1/128", "TARGET_BLOCKED"],
    ["0.0.0.0/0", "delivered"],
  ])("allow %s: the loopback address is %s", async ([entry = "", expected]) => {
    await using receiver = await createHttpReceiver();
    const allow = [entry.replace("PORT", String(receiver.port))];
    await using opened = await openHook(webhook, { url: receiver.url, allowHttp: true, allow });

    const ending = await Promise.resolve(opened.hook.deliver(createTestDelivery())).then(
      (outcome) => outcome?.type,
      (error: HookError) => error.code,
    );

    expect(ending).toBe(expected);
  });

  test("allow opens an address for https only, unless allowHttp says more", async () => {
    const error = await errorOf({
      url: "http://169.254.1.1/",
      allowPrivate: true,
      allow: ["169.254.1.1"],
    });

    expect(error.code).toBe("TARGET_BLOCKED");
    expect(error.text).toContain("allowHttp");
  });

  test("what is no range is refused as an option", async () => {
    const result = await webhook.kind.options["~standard"].validate({
      url: "https://x.de/",
      allow: ["10.0.0.0/33"],
    });

    expect(result.issues?.map(({ path }) => path)).toEqual([["allow", 0]]);
  });
});

describe("names", () => {
  test.for(["localhost", "kubernetes"])(
    "https://%s/ is refused before it is looked up",
    async (host) => {
      const ending = await send({ url: `https://${host}/` }, {});

      expect(ending).toMatchObject({ code: "TARGET_BLOCKED", asked: [] });
    },
  );

  test("a name that resolves to the loopback address is blocked, and only the operator is told the address", async () => {
    await using receiver = await createHttpReceiver();
    const url = `http://rebind.example.com:${receiver.port}/`;

    const ending = await send({ url, allowHttp: true }, { "rebind.example.com": ["127.0.0.1"] });

    expect(ending).toMatchObject({ code: "TARGET_BLOCKED", asked: ["rebind.example.com"] });
    expect(ending.error?.retryable).toBe(false);
    expect(ending.cause).toBeUndefined();
    expect(`${ending.message}${JSON.stringify(ending.error)}`).not.toContain("127.0.0.1");
    expect(ending.debug).toContain("127.0.0.1");
    expect(receiver.requests).toHaveLength(0);
  });

  test("the address that was judged is the one that is dialled, and the name is asked for once", async () => {
    await using receiver = await createHttpReceiver();
    const url = `http://private.example.com:${receiver.port}/`;

    const ending = await send(
      { url, allowPrivate: true },
      { "private.example.com": ["127.0.0.1"] },
    );

    expect(ending).toMatchObject({ status: 200, asked: ["private.example.com"] });
    expect(ending.timing).toHaveProperty("dns");
    expect(receiver.requests[0]?.headers.host).toBe(`private.example.com:${receiver.port}`);
  });

  test("a name for internal use is taken if allow names every address of it", async () => {
    await using receiver = await createHttpReceiver();
    const url = `http://db.internal:${receiver.port}/`;
    const options = { url, allowHttp: true, allow: ["127.0.0.0/8"] };

    expect(await send(options, { "db.internal": ["127.0.0.1"] })).toMatchObject({ status: 200 });
    expect(await send(options, { "db.internal": ["127.0.0.1", "93.184.215.14"] })).toMatchObject({
      code: "TARGET_BLOCKED",
    });
  });

  test("allowPrivate does not make plain http to a public address pass", async () => {
    const ending = await send(
      { url: "http://public.example.com/", allowPrivate: true },
      { "public.example.com": ["93.184.215.14"] },
    );

    expect(ending.code).toBe("TARGET_BLOCKED");
    expect(ending.message).toContain("allowHttp");
  });

  test("a name without addresses is worth another attempt", async () => {
    const ending = await send({ url: "https://nothing.example.com/" }, {});

    expect(ending).toMatchObject({ code: "RECEIVER_UNREACHABLE", error: { retryable: true } });
    expect(ending.message).toContain("ENOTFOUND");
  });
});

test("the open socket is judged once more, should the lookup have been got round", async () => {
  await using receiver = await createHttpReceiver();
  const url = new URL(`http://rebind.example.com:${receiver.port}/`);
  const rules = { allowHttp: true, allowPrivate: false, allow: [] };
  const guard = createTargetGuard(url, rules, () => expect.fail("it is replaced"));
  const connections = createConnections(
    await import("undici"),
    { url, tls: {}, proxy: undefined },
    {
      ...guard,
      lookup: (_hostname, _options, callback) =>
        callback(null, [{ address: "127.0.0.1", family: 4 }]),
    },
  );

  const error = await connections.probe().catch((thrown: Error) => thrown.cause);
  await connections.destroy();

  expect(error).toBeInstanceOf(BlockedTarget);
});

test("an attempt that is aborted while its name is looked up sends nothing afterwards", async () => {
  await using receiver = await createHttpReceiver();
  const url = `http://slow.example.com:${receiver.port}/`;
  const { promise: looked, resolve: answerLookup } = Promise.withResolvers<void>();
  const sender = await createSender(
    { url, allowPrivate: true },
    { name: "test", logger: silentLogger },
    (_hostname, _options, callback) =>
      void looked.then(() => callback(null, [{ address: "127.0.0.1", family: 4 }])),
  );
  const controller = new AbortController();
  const sent = sender.send({ headers: [], body: Buffer.from("{}") }, controller, whole);

  controller.abort();
  await expect(sent).rejects.toMatchObject({ code: "ABORTED", retryable: true });
  answerLookup();
  await expect.poll(() => receiver.connections).toBe(1);
  await expect.poll(() => receiver.open).toBe(0);
  await sender.close();

  expect(receiver.requests).toHaveLength(0);
});

test("an attempt that is aborted while its connection is opened holds up none that follows", async () => {
  await using receiver = await createHttpReceiver();
  const url = `http://slow.example.com:${receiver.port}/`;
  let lookups = 0;
  const sender = await createSender(
    { url, allowPrivate: true },
    { name: "test", logger: silentLogger },
    (_hostname, _options, callback) => {
      lookups += 1;
      // The first one is never answered.
      if (lookups > 1) callback(null, [{ address: "127.0.0.1", family: 4 }]);
    },
  );
  const controller = new AbortController();
  const request = { headers: [], body: Buffer.from("{}") };
  const first = sender.send(request, controller, whole);
  controller.abort();
  await expect(first).rejects.toMatchObject({ code: "ABORTED" });

  const second = await sender.send(request, { signal: AbortSignal.timeout(3000) }, whole);
  await sender.close();

  expect(second.status).toBe(200);
  expect(receiver.requests).toHaveLength(1);
});

test("check refuses a blocked target too", async () => {
  await using opened = await openHook(webhook, { url: "https://10.0.0.1/" });

  await expect(opened.hook.check?.(AbortSignal.timeout(1000))).rejects.toMatchObject({
    code: "TARGET_BLOCKED",
  });
});
