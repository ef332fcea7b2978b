import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { discord, opsgenie, pagerduty, slack, teams } from "@pipehooks/alerts";
import {
  createPipehooks,
  type HookConfig,
  type HookKind,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import {
  createDiscordReceiver,
  createOpsgenieReceiver,
  createPagerDutyReceiver,
  createSlackReceiver,
  createTeamsReceiver,
  createVirtualTime,
} from "@pipehooks/testing";
import { expect, test } from "vitest";

const second = 1_000;

function openBus(hooks: readonly HookConfig[], { store }: { readonly store?: Store } = {}) {
  const time = createVirtualTime({ restMs: 8 });
  const bus = createPipehooks({
    hooks: [...hooks],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
    ...(store !== undefined && { store }),
  });
  return { bus, time, [Symbol.asyncDispose]: () => bus.close({ timeoutMs: 0 }) };
}

/** Failures of a pipeline as an incident: reminded of after a minute, ended by the next success. */
const incident = {
  events: "pipeline.error",
  alert: { by: "pipeline", resolveOn: "pipeline.end", remind: ["1m"] },
} as const;

/** Two failures, a reminder, and the success after two minutes. */
async function fail({ bus, time }: Awaited<ReturnType<typeof openBus>>): Promise<void> {
  const error = new Error("no such table");
  await bus.emit("pipeline.error", { pipeline: "orders", error });
  await time.advance(30 * second);
  await bus.emit("pipeline.error", { pipeline: "orders", error });
  await time.advance(90 * second);
  await bus.emit("pipeline.end", { pipeline: "orders" });
  await time.advance(5 * second);
}

/** A failure that the receiver cannot take, and a success once it can. */
async function failInOutage(
  receiver: Awaited<ReturnType<typeof createPagerDutyReceiver>>,
  { bus, time }: ReturnType<typeof openBus>,
): Promise<void> {
  const fault = receiver.fault({ answer: 500 });
  await bus.emit("pipeline.error", { pipeline: "orders" });
  await time.advance(5 * second);
  fault[Symbol.dispose]();
  await bus.emit("pipeline.end", { pipeline: "orders" });
}

test("PagerDuty has one alert for an incident, and it is resolved with it", async () => {
  await using receiver = await createPagerDutyReceiver();
  const { url, routingKey } = receiver;
  const hook = pagerduty({ routingKey, apiUrl: url, allowPrivate: true });
  await using bus = openBus([{ name: "page", ...incident, hook }]);
  // The first answer is lost after its effect.
  using _fault = receiver.fault({ answer: 503, effect: true, times: 1 });

  await fail(bus);

  const [alert] = receiver.alerts;
  const actions = alert?.events.map(({ event_action: action }) => action);
  expect(receiver.alerts).toHaveLength(1);
  expect(alert?.state).toBe("resolved");
  expect(actions).toEqual(["trigger", "trigger", "trigger", "resolve"]);
});

test("an incident that ended while PagerDuty could not be reached leaves no alert open", async () => {
  await using receiver = await createPagerDutyReceiver();
  const { url, routingKey } = receiver;
  const hook = pagerduty({ routingKey, apiUrl: url, allowPrivate: true });
  const retry = { base: "40s", jitter: "none" } as const;
  await using bus = openBus([{ name: "page", ...incident, hook, retry }]);
  await failInOutage(receiver, bus);
  await bus.time.advance(60 * second);

  const rows = await bus.bus.store.deliveries({});
  expect(rows.map(({ state }) => state)).toEqual(["delivered", "delivered"]);
  expect(receiver.alerts).toMatchObject([{ state: "resolved" }]);
});

test("what is replayed of an incident after its end opens no alert again", async () => {
  await using receiver = await createPagerDutyReceiver();
  const { url, routingKey } = receiver;
  const hook = pagerduty({ routingKey, apiUrl: url, allowPrivate: true });
  await using bus = openBus([{ name: "page", ...incident, hook, retry: { attempts: 1 } }]);
  await failInOutage(receiver, bus);
  await bus.time.advance(5 * second);

  await bus.bus.store.replay({ states: ["dead"] }, bus.time.now());
  bus.bus.wake();
  await bus.time.advance(5 * second);

  const rows = await bus.bus.store.deliveries({});
  expect(rows.map(({ state }) => state).sort()).toEqual(["delivered", "skipped"]);
  expect(receiver.alerts).toEqual([]);
});

test("a success right after a failure does not overtake it, and leaves no alert open", async () => {
  await using receiver = await createPagerDutyReceiver();
  const { url, routingKey } = receiver;
  const hook = pagerduty({ routingKey, apiUrl: url, allowPrivate: true });
  await using bus = openBus([{ name: "page", ...incident, hook }]);

  await Promise.all([
    bus.bus.emit("pipeline.error", { pipeline: "orders" }),
    bus.bus.emit("pipeline.end", { pipeline: "orders" }),
  ]);
  await bus.time.advance(10 * second);

  const rows = await bus.bus.store.deliveries({});
  expect(rows.map(({ state }) => state)).toEqual(["delivered", "delivered"]);
  expect(receiver.alerts).toMatchObject([{ state: "resolved" }]);
  expect(receiver.requests).toHaveLength(2);
});

test("Opsgenie has one alert for an incident, and it is closed with it", async () => {
  await using receiver = await createOpsgenieReceiver();
  const { url, apiKey } = receiver;
  const hook = opsgenie({ apiKey, apiUrl: url, allowPrivate: true });
  await using bus = openBus([{ name: "page", ...incident, hook }]);

  await fail(bus);

  expect(receiver.alerts).toMatchObject([
    { state: "closed", count: 2, notes: ["Resolved after 2 m: Pipeline orders finished"] },
  ]);
});

test("Slack has one message for an incident, which is rewritten at its end, with a thread between", async () => {
  await using receiver = await createSlackReceiver();
  const { url, token, channel } = receiver;
  const hook = slack({ token, channel, apiUrl: url, allowPrivate: true });
  await using bus = openBus([{ name: "ops", ...incident, hook }]);

  await fail(bus);

  const [first, ...replies] = receiver.messages;
  expect(first).toMatchObject({ edits: 1, threadTs: undefined });
  expect(first?.text).toContain("Resolved after 2 m: Pipeline orders finished");
  expect(replies.map(({ threadTs, text }) => [threadTs, text.slice(3, 13)])).toEqual([
    [first?.ts, "Still open"],
    [first?.ts, "Resolved a"],
  ]);
});

test("a process that was killed after it told of an incident does not make the next one tell it anew", async () => {
  await using receiver = await createSlackReceiver();
  const { url, token, channel } = receiver;
  const path = join(mkdtempSync(join(tmpdir(), "alerts-")), "pipehooks.db");
  const env = { ...process.env, STORE: path, URL: url, TOKEN: token, CHANNEL: channel };
  const child = fileURLToPath(new URL("./children/open-incident.ts", import.meta.url));
  const ended = await promisify(execFile)(process.execPath, [child], { env }).catch(
    (error: unknown) => Reflect.get(error as object, "signal"),
  );
  const { alert } = incident;
  const bus = createPipehooks({
    store: sqliteStore({ path }),
    logger: silentLogger,
    hooks: [
      {
        name: "ops",
        events: "pipeline.error",
        alert,
        hook: slack({ token, channel, apiUrl: url, allowPrivate: true }),
      },
    ],
  });

  await bus.emit("pipeline.end", { pipeline: "orders" });
  await expect.poll(() => receiver.messages.length, { timeout: 10_000 }).toBe(2);
  await bus.close();

  const [first, reply] = receiver.messages;
  expect(ended).toBe("SIGKILL");
  expect(first).toMatchObject({ edits: 1, text: expect.stringContaining("Resolved") });
  expect(reply).toMatchObject({ threadTs: first?.ts });
});

test("a burst goes to Slack at one message a second, and none is lost", async () => {
  const time = createVirtualTime({ restMs: 8 });
  await using receiver = await createSlackReceiver({ now: time.now, perSecond: 1 });
  const hook = slack({ webhookUrl: receiver.webhookUrl, allowPrivate: true });
  const bus = createPipehooks({
    hooks: [{ name: "ops", events: "pipeline.error", hook }],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });

  for (let n = 0; n < 5; n += 1) await bus.emit("pipeline.error", { pipeline: `p${n}` });
  await time.advance(10_000);
  await bus.close({ timeoutMs: 0 });

  expect(new Set(receiver.messages.map(({ text }) => text)).size).toBe(5);
  // None was refused for coming too soon.
  expect(receiver.requests).toHaveLength(5);
});

test("a burst goes to Discord within the limit that its headers tell, without a refusal", async () => {
  const time = createVirtualTime({ restMs: 8 });
  await using receiver = await createDiscordReceiver({
    now: time.now,
    perWindow: 2,
    windowMs: 5_000,
  });
  const hook = discord({ webhookUrl: receiver.webhookUrl, allowPrivate: true });
  const bus = createPipehooks({
    hooks: [{ name: "ops", events: "pipeline.error", concurrency: 1, hook }],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });

  for (let n = 0; n < 5; n += 1) await bus.emit("pipeline.error", { pipeline: `p${n}` });
  await time.advance(30 * second);
  const rows = await bus.store.deliveries({});
  await bus.close({ timeoutMs: 0 });

  expect([receiver.messages.length, receiver.refused]).toEqual([5, 0]);
  expect(rows.map(({ state }) => state)).toEqual(Array(5).fill("delivered"));
});

test("a burst goes to Teams at four cards a second, and none is refused", async () => {
  const time = createVirtualTime({ restMs: 8 });
  const limits = [{ count: 4, windowMs: second }];
  await using receiver = await createTeamsReceiver({ now: time.now, limits });
  const hook = teams({ webhookUrl: receiver.webhookUrl, allowPrivate: true });
  const bus = createPipehooks({
    hooks: [{ name: "ops", events: "pipeline.error", hook }],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });

  for (let n = 0; n < 10; n += 1) await bus.emit("pipeline.error", { pipeline: `p${n}` });
  await time.advance(5 * second);
  await bus.close({ timeoutMs: 0 });

  expect([receiver.runs.length, receiver.requests.length]).toEqual([10, 10]);
});

test("each kind keeps the limits that its product documents, unless the hook says otherwise", () => {
  const limitOf = ({ kind }: { readonly kind: HookKind }) => kind.policy?.rateLimit;

  expect([slack, teams, pagerduty, opsgenie, discord].map(limitOf)).toEqual([
    ["1/1s"],
    ["4/1s", "100/1h"],
    ["120/1m"],
    undefined,
    undefined,
  ]);
});

test("a webhook that was revoked switches its hook off, and another hook tells of it", async () => {
  await using receiver = await createSlackReceiver();
  await using pager = await createPagerDutyReceiver();
  receiver.revoke();
  const { url, routingKey } = pager;
  await using bus = openBus([
    {
      name: "ops",
      events: "pipeline.error",
      hook: slack({ webhookUrl: receiver.webhookUrl, allowPrivate: true }),
    },
    {
      name: "page",
      events: ["pipehooks.delivery.dead", "pipehooks.hook.disabled"],
      hook: pagerduty({ routingKey, apiUrl: url, allowPrivate: true }),
    },
  ]);

  await bus.bus.emit("pipeline.error", { pipeline: "orders" });
  await bus.time.advance(10 * second);

  const told = pager.alerts
    .map(({ events }) => JSON.stringify(events))
    .sort()
    .join();
  expect(told).toContain("Hook ops could not deliver pipeline.error");
  expect(told).toContain("Hook ops is switched off");
  expect(told).toContain("The webhook was revoked");
});
