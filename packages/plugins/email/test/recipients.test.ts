import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { createPipehooks, type JsonObject, silentLogger } from "@pipehooks/core";
import { email } from "@pipehooks/email";
import { createSmtpReceiver, createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createFastClock } from "./fast-clock.ts";
import { failedEvent, from, openPostOffice } from "./post-office.ts";

const a = "a@example.com";
const b = "b@example.com";
const c = "c@example.com";

describe("partial acceptance", () => {
  test("one of two that is refused for good is reported, and the mail counts as delivered", async () => {
    await using office = await openPostOffice({ to: [a, b] });
    office.server.fault({ on: "rcptTo", to: b, answer: "550 5.1.1 no such user" });

    const outcome = await office.deliver();

    expect(office.server.mails.map(({ to }) => to)).toEqual([[a]]);
    expect(outcome).toMatchObject({
      type: "delivered",
      answer: {
        status: 250,
        body: expect.stringContaining(`refused ${b}: 550 5.1.1 no such user`),
      },
    });
    expect(office.opened.logs).toMatchObject([
      { level: "warn", message: expect.stringContaining(b) },
    ]);
  });

  test("those that are put off get it at the next attempt, and nobody gets it twice", async () => {
    await using office = await openPostOffice({ to: [a, b, c] });
    office.server.fault({ on: "rcptTo", to: b, answer: "450 4.2.0 Greylisted", times: 1 });
    office.server.fault({ on: "rcptTo", to: c, answer: "550 5.1.1 no such user" });

    const error = await office.failure();
    const outcome = await office.deliver({ state: error.state, attempt: 2 });

    expect(error).toMatchObject({ code: "RECEIVER_FAILED", retryable: true, scope: "delivery" });
    expect(error.message).toContain(`puts off ${b}: 450 4.2.0 Greylisted`);
    expect(error.message).toContain("1 of 3 have it and will not get it again");
    expect(error.message).toContain(`Refused for good: ${c}: 550`);
    expect(office.server.mails.map(({ to }) => to)).toEqual([[a], [b]]);
    expect(office.server.count("rcptTo")).toBe(4);
    expect(outcome).toMatchObject({
      type: "delivered",
      answer: { body: expect.stringContaining(c) },
    });
  });

  test("what is stored of it names nobody", async () => {
    await using office = await openPostOffice({ to: [a, b, c] });
    office.server.fault({ on: "rcptTo", to: b, answer: "450 4.2.0 later" });
    office.server.fault({ on: "rcptTo", to: c, answer: "550 5.1.1 no" });

    const { state } = await office.failure();

    expect(JSON.stringify(state)).not.toContain("example.com");
  });

  test("all put off: another attempt for all", async () => {
    await using office = await openPostOffice({ to: [a, b] });
    office.server.fault({ on: "rcptTo", answer: "450 4.2.0 Greylisted", times: 2 });

    const { state } = await office.failure();
    await office.deliver({ state, attempt: 2 });

    expect(office.server.mails.map(({ to }) => to)).toEqual([[a, b]]);
  });

  test("one put off and the others refused for good: only that one is tried again", async () => {
    await using office = await openPostOffice({ to: [a, b] });
    office.server.fault({ on: "rcptTo", to: a, answer: "450 4.2.0 later", times: 1 });
    office.server.fault({ on: "rcptTo", to: b, answer: "550 5.1.1 no such user" });

    const { state, retryable } = await office.failure();
    await office.deliver({ state, attempt: 2 });

    expect(retryable).toBe(true);
    expect(office.server.mails.map(({ to }) => to)).toEqual([[a]]);
    expect(office.server.count("rcptTo")).toBe(3);
  });

  test("all refused for good: dead, with everybody's reason", async () => {
    await using office = await openPostOffice({ to: [a, b] });
    office.server.fault({ on: "rcptTo", to: a, answer: "550 5.1.1 no such user" });
    office.server.fault({ on: "rcptTo", to: b, answer: "552 5.2.2 mailbox full" });

    const error = await office.failure();

    expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false, scope: "delivery" });
    expect(error.message).toContain(`${a}: 550 5.1.1 no such user`);
    expect(error.message).toContain(`${b}: 552 5.2.2 mailbox full`);
  });

  test("a mail that is put off behind a refused recipient is tried again for the others", async () => {
    await using office = await openPostOffice({ to: [a, b] });
    office.server.fault({ on: "rcptTo", to: b, answer: "550 5.1.1 no such user" });
    office.server.fault({ on: "data", answer: "452 4.3.1 disk full", times: 1 });

    const error = await office.failure();
    await office.deliver({ state: error.state, attempt: 2 });

    expect(error.retryable).toBe(true);
    expect(office.server.mails.map(({ to }) => to)).toEqual([[a]]);
  });

  test("where everybody has it already, nothing is sent", async () => {
    await using office = await openPostOffice({ to: [a, b] });
    office.server.fault({ on: "rcptTo", to: b, answer: "450 4.2.0 later", times: 1 });
    const { state } = await office.failure();
    const before = state as JsonObject & { accepted: string[] };
    await office.deliver({ state, attempt: 2 });
    const all = { ...before, accepted: [...before.accepted, ...(await hashOf(b))] };
    const sent = office.server.mails.length;

    const outcome = await office.deliver({ state: all, attempt: 3 });

    expect(outcome).toMatchObject({ type: "delivered" });
    expect(office.server.mails).toHaveLength(sent);
  });

  /** As the kind writes it down: by having it accepted alone. */
  async function hashOf(address: string): Promise<readonly string[]> {
    await using office = await openPostOffice({ to: [address, c] });
    office.server.fault({ on: "rcptTo", to: c, answer: "450 4.2.0 later" });
    const { state } = await office.failure();
    return (state as { accepted: string[] }).accepted;
  }
});

describe("who gets it", () => {
  test("addresses may come from the event: a text, several in one, a list", async () => {
    await using office = await openPostOffice({
      to: ["${metadata.owner}", "${metadata.team}"],
      cc: "${metadata.none:-}",
    });
    const metadata = { owner: `${a}, Bea <${b}>`, team: [c] };

    await office.deliver({ event: createTestEvent({ metadata }) });

    expect(office.server.mails[0]?.to).toEqual([a, b, c]);
  });

  test.for([
    ["no address", "nobody"],
    ["a header in it", "a@example.com>\r\nBcc: <x@example.com"],
    ["a number", 12],
  ])("an address from the event that is none ends the delivery: %s", async ([, owner]) => {
    await using office = await openPostOffice({ to: "${metadata.owner}" });

    const event = createTestEvent({ metadata: { owner: owner ?? "" } });
    const error = await office.failure({ event });

    expect(error).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
    expect(error.message).toContain('"to"');
    expect(office.server.connections).toBe(0);
  });

  test("a field that the event lacks is named", async () => {
    await using office = await openPostOffice({ to: "${metadata.owner}" });

    expect(await office.failure()).toMatchObject({
      code: "TEMPLATE_FIELD_MISSING",
      message: expect.stringContaining("metadata.owner"),
    });
  });

  test("where nobody is left, there is nothing to do", async () => {
    await using office = await openPostOffice({ to: "${metadata.owner:-}" });

    expect(await office.deliver()).toMatchObject({
      type: "skipped",
      reason: expect.stringContaining('"to" is empty'),
    });
  });

  const bySeverity = { toBySeverity: { critical: [b], error: [c], info: [] as string[] } };

  test.for([
    ["CRITICAL", [b]],
    ["ERROR", [c]],
    ["WARNING", ["team@example.com"]],
  ] as const)("by severity: %s", async ([severity, expected]) => {
    const { info: _none, ...lists } = bySeverity.toBySeverity;
    await using office = await openPostOffice({ toBySeverity: lists });
    const event = failedEvent({ error: { message: "x", severity } });

    await office.deliver({ event });

    expect(office.server.mails[0]?.to).toEqual(expected);
  });

  test("the gravest of several events decides", async () => {
    await using office = await openPostOffice({ toBySeverity: { critical: b } });
    const events = [createTestEvent(), failedEvent(), createTestEvent()];

    await office.deliver({ events, count: 3, key: null, gate: { reason: "digest", restIds: [] } });

    expect(office.server.mails[0]?.to).toEqual([b]);
  });

  test("without a list for a severity and without `to` nobody is mailed", async () => {
    await using server = await createSmtpReceiver();
    const bus = createPipehooks({
      logger: silentLogger,
      hooks: [
        {
          name: "mail",
          events: "pipeline.*",
          hook: email({
            smtp: { host: server.host, port: server.port },
            from,
            toBySeverity: { error: c },
          }),
        },
      ],
    });

    await bus.emit("pipeline.end", { pipeline: "orders" });
    await bus.drain({ timeoutMs: 5_000 });

    const [row] = await bus.store.deliveries({});
    expect(row).toMatchObject({ state: "skipped" });
    await bus.close();
  });
});

test("a run with greylisting: everybody gets the mail once, by the kind's own policy", async () => {
  const clock = createFastClock(600);
  await using server = await createSmtpReceiver({ greylistMs: 300_000, now: () => clock.now() });
  const bus = createPipehooks({
    clock,
    logger: silentLogger,
    hooks: [
      {
        name: "mail",
        events: "pipeline.error",
        timeout: "2h",
        hook: email({ smtp: { host: server.host, port: server.port }, from, to: [a, b] }),
      },
    ],
  });

  await bus.emit("pipeline.error", { pipeline: "orders", error: new Error("no disk") });
  await bus.drain({ horizonMs: 7_200_000, timeoutMs: 7_200_000 });

  const [row] = await bus.store.deliveries({});
  const attempts = await bus.store.attempts(row?.id ?? 0);
  const [first, second] = attempts.map(({ startedAt }) => startedAt);
  const wait = ((second ?? 0) - (first ?? 0)) / 60_000;
  expect(row?.state, inspect(attempts)).toBe("delivered");
  expect(attempts.length).toBeGreaterThan(2);
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(wait).toBeLessThanOrEqual(4);
  expect(server.mails.map(({ to }) => to)).toEqual([[a, b]]);
  await bus.close();
});

test("a dead delivery that is replayed goes to those alone who have not got it", async () => {
  await using server = await createSmtpReceiver();
  server.fault({ on: "rcptTo", to: b, answer: "450 4.2.0 later", times: 2 });
  const bus = createPipehooks({
    logger: silentLogger,
    hooks: [
      {
        name: "mail",
        events: "pipeline.error",
        retry: { attempts: 2, base: "1ms", jitter: "none" },
        hook: email({ smtp: { host: server.host, port: server.port }, from, to: [a, b] }),
      },
    ],
  });
  await bus.emit("pipeline.error", { pipeline: "orders", error: new Error("no disk") });
  await bus.drain({ horizonMs: 5_000, timeoutMs: 20_000 });
  const dead = await bus.store.deliveries({ states: ["dead"] });

  await bus.store.replay({ states: ["dead"] }, Date.now());
  bus.wake();
  await bus.drain({ horizonMs: 5_000, timeoutMs: 20_000 });

  expect(dead).toHaveLength(1);
  expect(server.mails.map(({ to }) => to)).toEqual([[a], [b]]);
  expect(await bus.store.deliveries({ states: ["delivered"] })).toHaveLength(1);
  await bus.close();
});

test("a wrong password switches the hook off after one try; what comes then waits until it is enabled", async () => {
  const account = { user: "pipelines", pass: "right-pa55" };
  await using server = await createSmtpReceiver({ auth: account });
  const wrong = server.fault({ on: "auth", answer: "535 5.7.8 bad credentials" });
  const bus = createPipehooks({
    clock: createFastClock(600),
    logger: silentLogger,
    hooks: [
      {
        name: "mail",
        events: "pipeline.error",
        timeout: "2h",
        concurrency: 1,
        hook: email({ smtp: { host: server.host, port: server.port, auth: account }, from, to: a }),
      },
    ],
  });
  for (const pipeline of ["one", "two", "three"]) {
    await bus.emit("pipeline.error", { pipeline, error: new Error("no disk") });
  }
  await expect.poll(async () => (await bus.health()).hooks[0]?.status).toBe("disabled");
  await sleep(500);
  const tries = server.count("auth");
  const states = (await bus.store.deliveries({})).map(({ state }) => state).sort();

  wrong[Symbol.dispose]();
  await bus.enable("mail");
  await server.received(2);

  expect(tries).toBe(1);
  expect(states).toEqual(["dead", "waiting", "waiting"]);
  await bus.close();
});

test("a burst keeps to the hook's rate, window by window", async () => {
  await using server = await createSmtpReceiver();
  const bus = createPipehooks({
    logger: silentLogger,
    hooks: [
      {
        name: "mail",
        events: "pipeline.end",
        rateLimit: ["5/1s"],
        hook: email({ smtp: { host: server.host, port: server.port }, from, to: a }),
      },
    ],
  });
  for (let index = 0; index < 12; index += 1) {
    await bus.emit("pipeline.end", { pipeline: `p${index}` });
  }

  await server.received(12);

  const times = server.mails.map(({ at }) => at);
  const first = Math.min(...times);
  // The connections that the first ones open cost them a tenth of a second.
  expect(times.filter((at) => at < first + 700)).toHaveLength(5);
  expect(Math.max(...times) - first).toBeGreaterThan(1_500);
  await bus.close();
});
