import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, migrate, openPipehooks } from "@pipehooks/config";
import { silentLogger } from "@pipehooks/core";
import { createSmtpReceiver } from "@pipehooks/testing";
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";

const resolveFrom = [fileURLToPath(new URL(".", import.meta.url))];

async function load(text: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "email-"));
  const file = join(folder, "pipehooks.yaml");
  writeFileSync(file, text);
  return loadConfig({ file, env, cwd: folder, resolveFrom });
}

const plumber = `plugins:
  enabled: true
  config:
    event_hooks:
      email:
        enabled: true
        events: ["pipeline.error"]
        filter_pipelines: ["prod_*"]
        async_execution: true
        retry_attempts: 3
        retry_delay: 60
        smtp_host: 127.0.0.1
        smtp_port: \${SMTP_PORT}
        smtp_user: pipelines
        smtp_password: "\${SMTP_PASSWORD}"
        use_tls: true
        from_address: pipelines@example.com
        to_addresses: ["data@example.com", "\${ON_CALL}"]
        subject_template: "[\${event}] \${pipeline}"
        body_template: "\${pipeline} failed with \${error_message}, \${rows} rows, \${stage}."
`;

test.for([
  ["as it is", plumber],
  ["migrated", migrate(plumber)],
] as const)("the lakehouse-plumber form of email mails: %s", async ([, text]) => {
  await using server = await createSmtpReceiver({ auth: { user: "pipelines", pass: "pa55word" } });
  const loaded = await load(text, {
    SMTP_PORT: String(server.port),
    SMTP_PASSWORD: "pa55word",
    ON_CALL: "a@example.com, b@example.com",
  });
  const bus = await openPipehooks(loaded, { logger: silentLogger });

  for (const pipeline of ["prod_orders", "test_orders"]) {
    const error = new Error("no disk");
    await bus.emit("pipeline.error", { pipeline, error, metadata: { rows: 7 } });
  }
  await bus.drain({ timeoutMs: 10_000 });
  await bus.close();

  const [mail, ...more] = server.mails;
  const parsed = await simpleParser(mail?.raw ?? "");
  expect(loaded.warnings).toEqual([]);
  expect(more).toEqual([]);
  expect(mail?.to).toEqual(["data@example.com", "a@example.com", "b@example.com"]);
  expect(parsed.subject).toBe("[pipeline.error] prod_orders");
  expect(parsed.text?.trim()).toBe("prod_orders failed with no disk, 7 rows, .");
});

test("keys of options are snake_case; names of headers and tags are left as they are", async () => {
  const { options, warnings } = await load(`version: 1
hooks:
  - name: mail
    kind: email
    events: pipeline.error
    options:
      smtp:
        host: smtp.example.com
        allow_plain: true
        tls: { min_version: TLSv1.3 }
        timeouts: { dns: 1s }
      from: a@example.com
      to_by_severity: { critical: "\${metadata.owner:-b@example.com}" }
      reply_to: c@example.com
      html: "<b>\${metadata.report}</b>"
      html_raw: [metadata.report]
      dashboard_url: https://pipehooks.example.com/\${id}
      time_zone: Europe/Paris
      list_id: a.example.com
      attach_error_over: 1KiB
      max_body: 10KiB
      headers: { X-some_Header: a }
`);

  expect(warnings).toEqual([]);
  expect(options.hooks).toMatchObject([
    {
      hook: {
        options: {
          smtp: { allowPlain: true, tls: { minVersion: "TLSv1.3" } },
          toBySeverity: { critical: "${metadata.owner:-b@example.com}" },
          replyTo: "c@example.com",
          htmlRaw: ["metadata.report"],
          attachErrorOver: "1KiB",
          headers: { "X-some_Header": "a" },
        },
      },
    },
  ]);
});

test("a reference that no event has is found when the file is loaded", async () => {
  const text = `version: 1
hooks:
  - name: mail
    kind: email
    events: pipeline.error
    options:
      smtp: { host: smtp.example.com }
      from: a@example.com
      to: b@example.com
      subject: "\${pipelin} failed"
      html: "<b>\${alert.state}</b>"
`;

  await expect(load(text)).rejects.toMatchObject({
    problems: [
      { line: 10, code: "TEMPLATE_INVALID", suggestion: "${pipeline}" },
      { line: 11, code: "TEMPLATE_INVALID" },
    ],
  });
});
