import { createTestDelivery, createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { failedEvent, incident, openPostOffice } from "./post-office.ts";

const kib = 1024;

describe("attachments", () => {
  test("a text of an error that is too long for a mail is attached whole", async () => {
    await using office = await openPostOffice({ attachErrorOver: "4KiB" });
    const stack = Array.from(
      { length: 400 },
      (_, line) => `    at step${line} (a.ts:${line})`,
    ).join("\n");

    await office.deliver({ event: failedEvent({ error: { message: "too bad", stack } }) });

    const { attachments, text, html } = await office.mail();
    expect(attachments).toMatchObject([
      { filename: "error.txt", contentType: "text/plain", contentDisposition: "attachment" },
    ]);
    expect(attachments[0]?.content.toString()).toBe(`too bad\n${stack}\n`);
    expect(text).toContain("All of it is in error.txt.");
    expect(text).not.toContain("step399");
    expect(html).toContain("All of it is in error.txt.");
  });

  test("a short one is not, and `false` attaches nothing", async () => {
    await using short = await openPostOffice();
    await using off = await openPostOffice({ attachErrorOver: false });
    const stack = "x".repeat(20 * kib);

    await short.deliver({ event: failedEvent() });
    await off.deliver({ event: failedEvent({ error: { message: "m", stack } }) });

    expect((await short.mail()).attachments).toEqual([]);
    expect((await off.mail()).attachments).toEqual([]);
    expect((await off.mail()).text).toContain("It is cut: it was too long for a mail.");
  });

  test("long errors of several events share one file", async () => {
    await using office = await openPostOffice({ attachErrorOver: "1KiB" });
    const events = ["a", "b"].map((letter) =>
      failedEvent({ id: letter, error: { message: letter, stack: letter.repeat(2 * kib) } }),
    );

    await office.deliver({ events, count: 2, key: null, gate: { reason: "r", restIds: [] } });

    const [file, ...more] = (await office.mail()).attachments;
    expect(more).toEqual([]);
    expect(file?.filename).toBe("errors.txt");
    expect(file?.content.toString()).toMatch(/pipeline\.error a\n.*\n.*pipeline\.error b\n/s);
  });

  test("of a digest whose errors are attached as many events are told as of another one", async () => {
    await using office = await openPostOffice();
    const stack = "    at line of the stack\n".repeat(1_500);
    const events = Array.from({ length: 99 }, (_, index) =>
      createTestEvent({ id: `evt_${index}` }),
    );
    const failed = failedEvent({ error: { message: "m", stack } });

    await office.deliver({
      events: [...events, failed],
      count: 100,
      gate: { reason: "r", restIds: [] },
    });

    const { attachments, text, html } = await office.mail();
    expect(attachments).toMatchObject([{ filename: "error.txt" }]);
    for (const body of [text ?? "", String(html)]) {
      expect(body.match(/Pipeline orders (?:finished|failed)/g)).toHaveLength(100);
      expect(body).not.toContain("not shown");
    }
  });

  test("the end of an incident has none: the mail that told of the failure has its error", async () => {
    await using office = await openPostOffice();
    const failed = failedEvent({ error: { message: "m", stack: "x".repeat(20 * kib) } });

    await office.deliver(incident("opened", { event: failed }));
    await office.deliver(incident("resolved", { events: [failed, createTestEvent()], count: 2 }));

    expect((await office.mail(0)).attachments).toMatchObject([{ filename: "error.txt" }]);
    expect((await office.mail(1)).attachments).toEqual([]);
  });
});

describe("the cap", () => {
  test.for([
    ["ready-made", {}],
    ["own text", { text: "${metadata.long}" }],
    ["own HTML", { html: "<p>${metadata.long}</p>" }],
  ] as const)("1 MB in an event makes a mail within the cap: %s", async ([, options]) => {
    await using office = await openPostOffice({ ...options, attachErrorOver: false });
    const long = "<é>".repeat(256 * kib);

    await office.deliver({ event: failedEvent({ metadata: { long }, error: { message: long } }) });

    const { text, html } = await office.mail();
    expect(Buffer.byteLength(text ?? "")).toBeLessThanOrEqual(200 * kib);
    expect(Buffer.byteLength(html || "")).toBeLessThanOrEqual(200 * kib);
    expect(`${text}${html}`).not.toContain("\uFFFD");
    expect(`${text}${html}`).toMatch(/cut/);
  });

  test("1000 events fit; `maxBody` sets the cap", async () => {
    await using office = await openPostOffice({ maxBody: "20KiB" });
    const events = Array.from({ length: 1000 }, (_, index) => failedEvent({ id: `evt_${index}` }));

    await office.deliver({ events, count: 5000, key: null, gate: { reason: "r", restIds: [] } });

    const { text, html } = await office.mail();
    expect(Buffer.byteLength(text ?? "")).toBeLessThanOrEqual(20 * kib);
    expect(Buffer.byteLength(html || "")).toBeLessThanOrEqual(20 * kib);
    expect(html).toMatch(/… and 4,9\d\d more, not shown\./);
  });

  test("characters that no mail can carry are left out", async () => {
    await using office = await openPostOffice();

    await office.deliver({
      event: failedEvent({ error: { message: "a\u0000b\u001b[31mc \ud800" } }),
    });

    const { text } = await office.mail();
    expect(text).toContain("ab[31mc \uFFFD");
  });

  test("of an incident with many failures the error is cut before any of them is left out", async () => {
    await using office = await openPostOffice({ maxBody: "50KiB", attachErrorOver: false });
    const error = { message: "m", stack: "x".repeat(40 * kib) };
    const events = Array.from({ length: 60 }, (_, index) =>
      failedEvent({ id: `evt_${index}`, error }),
    );

    await office.deliver(incident("opened", { events, count: 60, alert: { count: 60 } }));

    const { text, html } = await office.mail();
    for (const body of [text ?? "", String(html)]) {
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(50 * kib);
      expect(body).toContain("It is cut: it was too long for a mail.");
      expect(body).not.toContain("not shown");
    }
  });

  // Nothing takes more bytes in HTML than what is escaped.
  const long = '"'.repeat(8_000);
  const loud = createTestEvent({
    ...{ id: long, source: long, subject: long, pipeline: long, flowgroup: long, action: long },
    ...{
      runId: long,
      metadata: { [long]: long, message: long, url: `https://x.y/${"a".repeat(999)}` },
    },
    error: { message: long, class: long, code: long, stack: long, causes: [{ message: long }] },
  });
  const gate = { reason: long, restIds: [] };

  test.for([
    ["an error", { event: { ...loud, type: "pipeline.error" } }],
    ["a digest", { events: [loud, loud, loud], count: 3, key: long, gate }],
    ["the end of an incident", { event: loud, ...incident("resolved", { event: loud, gate }) }],
  ] as const)("at its least it holds whatever a mail is about: %s", async ([, delivery]) => {
    for (const options of [{}, { text: "${id}" }, { html: "${id}" }]) {
      await using office = await openPostOffice({ ...options, maxBody: "8KiB" });

      const rendered = await office.opened.hook.render?.(
        createTestDelivery({ ...delivery, hook: "h".repeat(200) }),
      );

      const { text = "", html = "" } = Object(rendered?.body);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8 * kib);
      expect(Buffer.byteLength(html)).toBeLessThanOrEqual(8 * kib);
      expect(html).toContain("</html>");
    }
  });

  test("a text of broken characters is cut at once", async () => {
    await using office = await openPostOffice({ text: "${metadata.broken}" });
    const broken = "\ud800".repeat(65_000) + "x".repeat(100_000);
    const delivery = createTestDelivery({ event: createTestEvent({ metadata: { broken } }) });
    const startedAt = performance.now();

    const rendered = await office.opened.hook.render?.(delivery);

    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(JSON.stringify(rendered?.body)).toContain("cut: it was too long for a mail");
  });
});
