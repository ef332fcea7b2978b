import { builtInEventTypes, deliveryEventTypes } from "@pipehooks/core";
import { toMessage } from "@pipehooks/core/messages";
import { createTestDelivery, createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { failedEvent, openPostOffice } from "./post-office.ts";

describe("ready-made mails", () => {
  test("an error: what, where, since when, which error, and where to look", async () => {
    await using office = await openPostOffice({
      timeZone: "Europe/Paris",
      dashboardUrl: "https://pipehooks.example.com/events/${id}",
    });
    const metadata = { duration: 752.4, rows: 1204551, url: "https://runs.example.com/7" };

    await office.deliver({ event: failedEvent({ metadata }) });

    const { subject, text, html } = await office.mail();
    expect(subject).toBe("[CRITICAL] Pipeline orders failed");
    expect(text).toMatchInlineSnapshot(`
      "CRITICAL: Pipeline orders failed

      Pipeline   orders
      Flowgroup  ingest
      Action     load
      Run        run_1
      Time       2026-01-15 07:30:00 CET
      Duration   12 m 32 s
      Rows       1,204,551

      Error:
      AnalysisException: Table or view not found: raw.orders
      AnalysisException: Table or view not found
          at load (orders.ts:12:3)
      Caused by TimeoutError: the metastore did not answer

      Open the run: https://runs.example.com/7
      Open the dashboard: https://pipehooks.example.com/events/01936c4e-8a00-7000-8000-000000000001

      -- 
      pipeline.error 01936c4e-8a00-7000-8000-000000000001 · from /pipelines/test · hook test
      "
    `);
    expect(html).toContain("CRITICAL");
    expect(html).toContain("Table or view not found: raw.orders");
    expect(html).toContain('href="https://runs.example.com/7"');
    expect(html).toContain("2026-01-15 07:30:00 CET");
  });

  const types = [...Object.keys(builtInEventTypes), ...deliveryEventTypes, "dbt.run.failed", "x.y"];

  test.for(types)(
    "%s: the subject says how it stands and what happened, the mail all of it",
    async (type) => {
      await using office = await openPostOffice();
      const metadata = {
        hook: "ops",
        key: "orders",
        expect: "pipeline.end",
        max_keys: 10,
        run_id: "7",
      };
      const delivery = createTestDelivery({ event: createTestEvent({ type, metadata }) });

      const rendered = await office.opened.hook.render?.(delivery);

      const {
        label,
        title,
        summary = "",
        facts,
        footer,
      } = toMessage(delivery, { mostValues: 16, seconds: true });
      const body = rendered?.body as { text: string; html: string } | undefined;
      expect(rendered?.headers?.subject).toBe(`[${label}] ${title}`);
      for (const part of [label, title, summary, ...facts.map(({ value }) => value), footer]) {
        expect(body?.text).toContain(part);
        expect(body?.html).toContain(part);
      }
    },
  );

  test("no value comes out as undefined where an emitter said little", async () => {
    await using office = await openPostOffice();
    const bare = { id: "1", source: "/x", time: "2026-01-15T06:30:00.000Z", metadata: {} };
    for (const type of types) {
      const rendered = await office.opened.hook.render?.(
        createTestDelivery({ event: { ...bare, type } }),
      );
      expect(JSON.stringify(rendered)).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  test("a subject is cut at 120 characters, and has one line", async () => {
    await using office = await openPostOffice();

    await office.deliver({
      event: createTestEvent({ pipeline: `a\r\nBcc: x@y.z ${"é".repeat(200)}` }),
    });

    const { subject, headers } = await office.mail();
    expect([...(subject ?? "")]).toHaveLength(120);
    expect(subject).toMatch(/^\[OK\] Pipeline a Bcc: x@y\.z é+…$/);
    expect(headers.has("bcc")).toBe(false);
  });

  test("values in the dashboard's address are encoded; without one of them there is no link", async () => {
    const dashboardUrl = "https://d.example.com/${runId}/${metadata.part}";
    await using office = await openPostOffice({ dashboardUrl });

    await office.deliver({ event: createTestEvent({ runId: "a b&c", metadata: { part: 1 } }) });
    await office.deliver({ event: createTestEvent({ metadata: {} }) });

    expect((await office.mail(0)).text).toContain(
      "Open the dashboard: https://d.example.com/a%20b%26c/1\n",
    );
    expect((await office.mail(1)).text).not.toContain("Open the");
  });

  test("links are made of http addresses alone", async () => {
    await using office = await openPostOffice({ dashboardUrl: "${metadata.board}" });
    const metadata = { url: "javascript:alert(1)", board: "data:text/html,x" };

    await office.deliver({ event: createTestEvent({ metadata }) });

    const { html, text } = await office.mail();
    expect(html).not.toContain("href");
    expect(text).not.toContain("Open the");
  });
});

describe("gates", () => {
  test("a digest is one mail with a table of its events", async () => {
    await using office = await openPostOffice();
    const events = [
      createTestEvent({ pipeline: "orders" }),
      failedEvent({ pipeline: "stock" }),
      createTestEvent({ pipeline: "prices" }),
    ];

    await office.deliver({
      events,
      count: 1203,
      key: "night",
      gate: { reason: "5 m since the first event", restIds: [] },
    });

    const { subject, text, html } = await office.mail();
    expect(subject).toBe(
      "[CRITICAL] 1,203 events of night: 1 pipeline failed, 2 pipelines finished, and 1,200 more",
    );
    expect(text).toContain("Told now: 5 m since the first event.");
    expect(text).toContain(
      "CRITICAL  Pipeline stock failed\n    Table or view not found: raw.orders",
    );
    expect(text).toContain("OK        Pipeline prices finished");
    expect(text).toContain("… and 1,200 more, not shown.");
    expect(html).toContain("Pipeline stock failed");
    expect(html).toContain("… and 1,200 more, not shown.");
  });

  test("what went wrong stands first among the events, and is the last to be left out", async () => {
    await using office = await openPostOffice({ maxBody: "9KiB" });
    const events = Array.from({ length: 60 }, (_, index) =>
      createTestEvent({ id: `evt_${index}`, pipeline: `p${index}` }),
    );

    await office.deliver({
      events: [...events, failedEvent({ pipeline: "stock" })],
      count: 61,
      gate: { reason: "r", restIds: [] },
    });

    const { text, html } = await office.mail();
    for (const body of [text ?? "", String(html)]) {
      expect(body.indexOf("Pipeline stock failed")).toBeGreaterThan(0);
      expect(body.indexOf("Pipeline stock failed")).toBeLessThan(body.indexOf("Pipeline p0 "));
    }
    expect(html).toMatch(/… and \d\d more, not shown\./);
  });

  test("events of one kind are counted in the title", async () => {
    await using office = await openPostOffice();
    const events = [1, 2, 3].map((number) => failedEvent({ id: `evt_${number}` }));

    await office.deliver({
      events,
      count: 3,
      key: null,
      gate: { reason: "3 in 10 m", restIds: [] },
    });

    expect((await office.mail()).subject).toBe("[CRITICAL] Pipeline orders failed (3 times)");
  });

  const since = "2026-01-15T06:30:00.000Z";
  const at = Date.parse("2026-01-15T08:12:00.000Z");

  test.for([
    [
      "opened",
      failedEvent(),
      1,
      "[CRITICAL] Pipeline orders failed",
      "\n\n1 failure of orders since 2026-01-15 06:30 UTC.",
    ],
    [
      "opened",
      failedEvent(),
      3,
      "[CRITICAL] Pipeline orders failed",
      "\n\n3 failures of orders since 2026-01-15 06:30 UTC.",
    ],
    [
      "reminder",
      failedEvent(),
      7,
      "[STILL CRITICAL] Pipeline orders failed",
      "Still open after 1 h 42 m: 7 failures of orders since 2026-01-15 06:30 UTC.",
    ],
    [
      "resolved",
      createTestEvent({ time: "2026-01-15T08:12:00.000Z" }),
      7,
      "[RESOLVED] Pipeline orders finished",
      "Resolved after 1 h 42 m: 7 failures of orders since 2026-01-15 06:30 UTC.",
    ],
  ] as const)("an incident: %s", async ([state, event, count, subject, sentence]) => {
    await using office = await openPostOffice();

    await office.deliver({
      event,
      key: "orders",
      since: at,
      gate: { reason: "because", restIds: [] },
      alert: { state, since, count, key: "orders", incident: "i1" },
    });

    const mail = await office.mail();
    expect(mail.subject).toBe(subject);
    expect(mail.text).toContain(sentence);
    expect(mail.text?.includes("Error:")).toBe(state !== "resolved");
  });
});

describe("templates of one's own", () => {
  test("subject, text and HTML read the event; in HTML every value is escaped", async () => {
    await using office = await openPostOffice({
      subject: "${pipeline} said ${metadata.word}",
      text: "Rows: ${metadata.rows}, word: ${metadata.word}, none: ${metadata.none:-0}",
      html: '<p title="${metadata.word}">${metadata.rows} ${metadata.word} ${metadata} $${x}</p>',
    });
    const word = `<img src=x onerror="alert('1')">&`;

    await office.deliver({ event: createTestEvent({ metadata: { rows: 7, word } }) });

    const mail = await office.mail();
    expect(mail.subject).toBe(`orders said ${word}`);
    expect(mail.text?.trim()).toBe(`Rows: 7, word: ${word}, none: 0`);
    const safe = "&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62;&#38;";
    expect(String(mail.html).trim()).toBe(
      `<p title="${safe}">7 ${safe} {&#34;rows&#34;:7,&#34;word&#34;:&#34;&#60;img src=x onerror=\\&#34;alert(&#39;1&#39;)\\&#34;&#62;&#38;&#34;} \${x}</p>`,
    );
  });

  test("what is HTML already goes in as it is where `htmlRaw` says so, and only there", async () => {
    await using office = await openPostOffice({
      html: "<div>${metadata.table}</div><div>${metadata.other}</div>",
      htmlRaw: ["metadata.table"],
    });

    await office.deliver({
      event: createTestEvent({ metadata: { table: "<b>1</b>", other: "<b>2</b>" } }),
    });

    expect(String((await office.mail()).html).trim()).toBe(
      "<div><b>1</b></div><div>&#60;b&#62;2&#60;/b&#62;</div>",
    );
  });

  test("with a text alone the HTML shows the same, escaped; with HTML alone the text is ready-made", async () => {
    await using texts = await openPostOffice({ text: "<b>${pipeline}</b>\nsecond line" });
    await using pages = await openPostOffice({ html: "<b>${pipeline}</b>" });

    await texts.deliver();
    await pages.deliver();

    expect((await texts.mail()).html).toContain("&#60;b&#62;orders&#60;/b&#62;\nsecond line");
    expect((await pages.mail()).text).toContain("Pipeline orders finished");
  });

  test("a default in HTML is what its author wrote, so it is not escaped", async () => {
    await using office = await openPostOffice({ html: "<p>${metadata.none:-<i>none</i>}</p>" });

    await office.deliver();

    expect(String((await office.mail()).html).trim()).toBe("<p><i>none</i></p>");
  });

  test("templates read what a gate let through", async () => {
    await using office = await openPostOffice({ subject: "${count} of ${key}: ${gate.reason}" });
    const events = [createTestEvent(), createTestEvent()];

    await office.deliver({ events, count: 2, key: "orders", gate: { reason: "why", restIds: [] } });

    expect((await office.mail()).subject).toBe("2 of orders: why");
  });

  test("a field that the event lacks ends the delivery before anything is sent", async () => {
    await using office = await openPostOffice({ html: "<p>${metadata.missing}</p>" });

    expect(await office.failure()).toMatchObject({
      code: "TEMPLATE_FIELD_MISSING",
      message: expect.stringContaining("metadata.missing"),
    });
    expect(office.server.connections).toBe(0);
  });

  test.for([
    ["subject", { subject: "${metadata.content}" }],
    ["text", { text: "${metadata.content}" }],
    ["html", { html: "${metadata.content}" }],
    ["raw html", { html: "${metadata.content}", htmlRaw: ["metadata.content"] }],
  ] as const)(
    "no file and no address is read for what an event brings: %s",
    async ([, options]) => {
      await using office = await openPostOffice(options);
      const content = { path: "/etc/passwd", href: `http://127.0.0.1:${office.server.port}/` };

      await office.deliver({ event: createTestEvent({ metadata: { content } }) });

      const raw = office.server.mails[0]?.text ?? "";
      const { subject, text, html } = await office.mail();
      expect(raw).not.toContain("root:");
      expect(`${subject}${text}${html}`).toContain("/etc/passwd");
    },
  );
});
