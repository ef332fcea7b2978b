import { createTestDelivery, createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { incident, openPostOffice, type PostOffice } from "./post-office.ts";

/** Headers by which mail programs make threads, as they came. */
function threadHeaders(office: PostOffice, index = office.server.mails.length - 1) {
  const head = office.server.mails[index]?.text
    .split("\r\n\r\n", 1)[0]
    ?.replace(/\r\n[ \t]+/g, " ");
  const read = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head ?? "")?.[1];
  return {
    id: read("Message-ID"),
    inReplyTo: read("In-Reply-To"),
    references: read("References"),
    listId: read("List-Id"),
    date: read("Date"),
  };
}

test("the Message-ID is the same on every attempt, and another one for another delivery", async () => {
  await using office = await openPostOffice();

  for (const attempt of [1, 2])
    await office.deliver({ idempotencyKey: "ph_a", attempt, since: 1e12 });
  await office.deliver({ idempotencyKey: "ph_b" });

  const [first, second, other] = [0, 1, 2].map((index) => threadHeaders(office, index));
  expect(first?.id).toBe("<ph_a@example.com>");
  expect(second).toEqual(first);
  expect(first?.date).toBe("Sun, 09 Sep 2001 01:46:40 +0000");
  expect(other?.id).toBe("<ph_b@example.com>");
});

test("the mails of an incident make one thread, without anything remembered", async () => {
  await using before = await openPostOffice();
  await before.deliver(incident("opened"));
  // Another process, which knows nothing of the first one.
  await using after = await openPostOffice();
  await after.deliver(incident("reminder", { alert: { count: 4 } }));
  await after.deliver(incident("resolved", { alert: { count: 5 } }));
  await after.deliver(incident("opened", { alert: { incident: "i2" } }));

  const opened = threadHeaders(before, 0);
  const [reminder, resolved, next] = [0, 1, 2].map((index) => threadHeaders(after, index));
  expect(opened).toMatchObject({ inReplyTo: undefined, references: undefined });
  expect(opened.id).toMatch(/^<incident\.[0-9a-f]{32}@example\.com>$/);
  for (const later of [reminder, resolved]) {
    expect(later).toMatchObject({ inReplyTo: opened.id, references: opened.id });
    expect(later?.id).not.toBe(opened.id);
  }
  expect(next?.id).not.toBe(opened.id);
  expect(next?.references).toBeUndefined();
});

test("`thread` makes one thread of what has an equal value", async () => {
  await using office = await openPostOffice({ thread: "${runId:-}" });

  for (const runId of ["run_1", "run_1", "run_2", ""]) {
    await office.deliver({ event: createTestEvent({ runId }), idempotencyKey: `ph_${runId}` });
  }

  const threads = [0, 1, 2, 3].map((index) => threadHeaders(office, index).references);
  expect(threads[0]).toMatch(/^<thread\./);
  expect(threads[1]).toBe(threads[0]);
  expect(threads[2]).toMatch(/^<thread\./);
  expect(threads[2]).not.toBe(threads[0]);
  expect(threads[3]).toBeUndefined();
});

test("ids are ASCII, as the address is, where the domain of `from` is of another script", async () => {
  await using office = await openPostOffice({ from: "Pipelines <p@Müller.example>" });

  await office.deliver(incident("opened"));
  await office.deliver(incident("resolved"));

  const [opened, resolved] = [0, 1].map((index) => threadHeaders(office, index));
  expect(opened?.id).toMatch(/^<incident\.[0-9a-f]{32}@xn--mller-kva\.example>$/);
  expect(resolved).toMatchObject({
    id: "<ph_resolved_1@xn--mller-kva.example>",
    inReplyTo: opened?.id,
    references: opened?.id,
    listId: "<test.xn--mller-kva.example>",
  });
});

test("every mail says that a program sent it, and of what", async () => {
  await using office = await openPostOffice({ headers: { "X-Team": "data", "X-Stage": "prod" } });
  await using named = await openPostOffice({ listId: "alerts.data.example.com" });

  await office.deliver({
    event: createTestEvent({ id: "evt_1", pipeline: "Aufträge\r\nX-Evil: 1" }),
  });
  await named.deliver();

  const { headers } = await office.mail();
  expect(headers.get("auto-submitted")).toBe("auto-generated");
  expect(headers.get("x-auto-response-suppress")).toBe("All");
  expect(headers.get("x-event-id")).toBe("evt_1");
  expect(headers.get("x-pipeline")).toBe("=?UTF-8?Q?Auftr=C3=A4ge_X-Evil=3A_1?=");
  expect(headers.has("x-evil")).toBe(false);
  expect(headers.get("x-team")).toBe("data");
  expect(headers.get("x-stage")).toBe("prod");
  expect(threadHeaders(office).listId).toBe("<test.example.com>");
  expect(threadHeaders(named).listId).toBe("<alerts.data.example.com>");
});

test("what it renders is what it sends", async () => {
  await using office = await openPostOffice({ cc: "c@example.com", bcc: "b@example.com" });
  const delivery = incident("reminder");

  const rendered = await office.opened.hook.render?.(createTestDelivery(delivery));
  const sentByRender = office.server.connections;
  await office.deliver(delivery);

  const { text, html, subject } = await office.mail();
  const headers = threadHeaders(office);
  expect(sentByRender).toBe(0);
  expect(rendered?.target).toBe(`SMTP 127.0.0.1:${office.server.port}`);
  expect(rendered?.body).toEqual({ text, html, attachments: [] });
  expect(rendered?.headers).toMatchObject({
    from: "Pipelines <pipelines@example.com>",
    to: "team@example.com",
    cc: "c@example.com",
    bcc: "b@example.com",
    subject,
    "message-id": headers.id,
    references: headers.references,
    "auto-submitted": "auto-generated",
  });
});

describe("given answers, for route tests", () => {
  test.for([
    [250, "2.0.0 Ok", undefined],
    [450, "4.2.0 Greylisted", { code: "RECEIVER_FAILED", retryable: true, scope: "delivery" }],
    [450, "4.7.1 too much", { code: "RECEIVER_FAILED", retryable: true, scope: "destination" }],
    [421, null, { code: "RECEIVER_FAILED", retryable: true, scope: "destination" }],
    [503, null, { code: "RECEIVER_FAILED", retryable: true }],
    [550, "5.1.1 no", { code: "RECEIVER_REFUSED", retryable: false, scope: "delivery" }],
    [530, "5.7.0 sign in", { code: "RECEIVER_REFUSED", retryable: false, scope: "gone" }],
    [535, null, { code: "RECEIVER_REFUSED", retryable: false, scope: "gone" }],
  ] as const)("%i %s as a mail server says it", async ([status, body, expected]) => {
    await using office = await openPostOffice();
    const answered = () =>
      office.opened.hook.answered?.({ status, headers: {}, body }, createTestDelivery());

    if (expected === undefined) expect(answered()).toMatchObject({ type: "delivered" });
    else expect(answered).toThrow(expect.objectContaining(expected));
  });
});
