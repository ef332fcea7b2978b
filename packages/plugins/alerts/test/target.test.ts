import { inspect } from "node:util";
import { discord, pagerduty, slack, teams } from "@pipehooks/alerts";
import { silentLogger, systemClock } from "@pipehooks/core";
import { createHttpReceiver, type HttpReceiver, openHook } from "@pipehooks/testing";
import { expect, test } from "vitest";
// Names cannot be made to resolve through the public API, so one test reaches a layer below it.
import { createTransport } from "../src/channel/transport.ts";
import { deliver, failureOf } from "./bench.ts";

// What the guard itself refuses is tested in core.
test.for([
  "https://127.0.0.1/x",
  "https://[::ffff:10.0.0.1]/x",
  "https://localhost/x",
  "https://slack.internal/x",
])("%s is not reached unless private addresses are allowed", async (webhookUrl) => {
  await using opened = await openHook(slack, { webhookUrl });

  const error = await failureOf(opened);

  expect(error).toMatchObject({ code: "TARGET_BLOCKED", retryable: false });
  expect(String(error)).toContain('"allowPrivate"');
  await expect(opened.hook.check?.(new AbortController().signal)).rejects.toMatchObject({
    code: "TARGET_BLOCKED",
  });
});

test.for([
  "https://169.254.169.254/latest/meta-data",
  "https://100.100.100.200/x",
  "https://[fd00:ec2::254]/x",
  "https://[64:ff9b::a00:1]/x",
])("%s is not reached with allowPrivate", async (webhookUrl) => {
  await using opened = await openHook(teams, { webhookUrl, allowPrivate: true });

  const error = await failureOf(opened);

  expect(error).toMatchObject({ code: "TARGET_BLOCKED", retryable: false });
  expect(String(error)).toContain("an address that alerts must not reach");
});

test("allow opens a range, or one port of it, and nothing else", async () => {
  await using receiver = await createHttpReceiver({ respond: { body: "ok" } });
  const { port } = receiver;
  const options = { webhookUrl: `${receiver.url}/services/x`, allowHttp: true };
  await using whole = await openHook(slack, { ...options, allow: ["127.0.0.0/8"] });
  await using named = await openHook(slack, { ...options, allow: [`127.0.0.1:${port}`] });
  await using other = await openHook(slack, { ...options, allow: ["10.0.0.0/8", "127.0.0.1:1"] });

  await deliver(whole);
  await deliver(named);

  expect(await failureOf(other)).toMatchObject({ code: "TARGET_BLOCKED" });
  expect(receiver.requests).toHaveLength(2);
});

/** What becomes of a request and of a probe, where a name leads to this machine. */
async function reach(receiver: HttpReceiver, allowPrivate: boolean) {
  const lines: unknown[] = [];
  const transport = await createTransport(
    {
      origin: new URL(`http://hooks.example.com:${receiver.port}`),
      headers: {},
      rules: { allowHttp: true, allowPrivate, who: "alerts" },
    },
    {
      name: "test",
      redact: (text) => text,
      clock: systemClock,
      logger: { ...silentLogger, debug: (...line) => lines.push(line) },
    },
    (_hostname, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
  );
  const signal = AbortSignal.timeout(5_000);
  const settled = await Promise.allSettled([
    transport.post({ path: "/x", body: {} }, signal),
    transport.probe(signal),
  ]);
  await transport.dispose();
  return { settled, debug: JSON.stringify(lines) };
}

test("a name that leads to a private address is blocked, and only the operator is told the address", async () => {
  await using receiver = await createHttpReceiver({ respond: { body: "ok" } });

  const closed = await reach(receiver, false);
  const open = await reach(receiver, true);

  for (const ending of closed.settled) {
    expect(ending).toMatchObject({ status: "rejected", reason: { code: "TARGET_BLOCKED" } });
  }
  expect(inspect(closed.settled, { depth: 12 })).not.toContain("127.0.0.1");
  expect(closed.debug.split("127.0.0.1")).toHaveLength(3);
  expect(open.settled).toMatchObject([{ value: { status: 200 } }, { value: "TCP" }]);
  expect(receiver.connections).toBe(2);
});

test("plain http reaches private addresses with allowPrivate, and others only with allowHttp", async () => {
  await using receiver = await createHttpReceiver({ respond: { body: "ok" } });
  const webhookUrl = `${receiver.url}/services/x`;
  await using near = await openHook(slack, { webhookUrl, allowPrivate: true });
  await using open = await openHook(slack, { webhookUrl: "http://192.0.2.1/x", allowHttp: true });
  await using far = await openHook(discord, { webhookUrl: "http://8.8.8.8/x", allowPrivate: true });

  await deliver(near);

  expect(receiver.requests).toHaveLength(1);
  expect(String(await failureOf(open))).toContain("must not reach");
  expect(String(await failureOf(far))).toContain('set "allowHttp"');
});

test("allowHttp alone opens no private address", async () => {
  await using receiver = await createHttpReceiver();
  const options = { routingKey: "0".repeat(32), apiUrl: receiver.url, allowHttp: true };
  await using opened = await openHook(pagerduty, options);

  expect(await failureOf(opened)).toMatchObject({ code: "TARGET_BLOCKED" });
  expect(receiver.connections).toBe(0);
});

test("a redirect is not followed", async () => {
  await using receiver = await createHttpReceiver({
    respond: { status: 302, headers: { location: "http://169.254.169.254/" } },
  });
  const options = { routingKey: "0".repeat(32), apiUrl: receiver.url, allowPrivate: true };
  await using opened = await openHook(pagerduty, options);

  expect(await failureOf(opened)).toMatchObject({ code: "REDIRECT_REFUSED", retryable: false });
});
