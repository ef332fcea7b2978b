import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import { silentLogger } from "@pipehooks/core";
import { createPagerDutyReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

const resolveFrom = [fileURLToPath(new URL(".", import.meta.url))];

async function load(text: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "alerts-"));
  const file = join(folder, "pipehooks.yaml");
  writeFileSync(file, text);
  return loadConfig({ file, env, cwd: folder, resolveFrom });
}

const head = 'version: 1\nplugins: ["@pipehooks/alerts"]\n';

test("options of all kinds are snake_case, and what is Slack's or PagerDuty's own is left as it is", async () => {
  const env = { HOOK: "https://hooks.slack.com/services/T0/B0/abcdefghijklmnop" };
  const { options } = await load(
    `${head}hooks:
  - name: chat
    kind: slack
    events: "*.error"
    options:
      token: xoxb-1
      channel: C0123456789
      update_on_resolve: false
      dashboard_url: "https://d.example.com/\${runId}"
      blocks:
        - { type: section, block_id: one, text: { type: mrkdwn, text: "\${pipeline}" } }
  - name: hook
    kind: slack
    events: "*.error"
    options: { webhook_url: "\${env:HOOK}", mention: [here, U123] }
  - name: cards
    kind: teams
    events: "*.error"
    options:
      webhook_url: https://x.example.com/workflows?sig=abcdefghijklmnop
      card: { body: [{ type: TextBlock, font_type: x, text: "\${pipeline}" }] }
      mentions: [{ id: ada@example.com, name: Ada }]
  - name: page
    kind: pagerduty
    events: "*.error"
    options:
      routing_key: 0123456789abcdef0123456789ABCDEF
      dedup_key: "\${pipeline}"
      severity: { error: critical }
      custom_details: { some_key: "\${id}" }
      client_url: https://c.example.com
  - name: ops
    kind: opsgenie
    events: "*.error"
    options: { api_key: k-1, product: jsm, details: { some_key: "\${id}" }, priority: P1 }
  - name: talk
    kind: discord
    events: "*.error"
    options:
      webhook_url: https://discord.com/api/webhooks/1/abcdefghijklmnopqrst
      avatar_url: https://img.example.com/a.png
      embeds: [{ title: "\${pipeline}", some_key: 1 }]
      allowed_mentions: { parse: [users] }
`,
    env,
  );

  expect(options.hooks?.map(({ hook }) => Reflect.get(hook, "options"))).toMatchObject([
    {
      updateOnResolve: false,
      dashboardUrl: "https://d.example.com/${runId}",
      blocks: [{ block_id: "one", text: { text: "${pipeline}" } }],
    },
    { webhookUrl: env.HOOK, mention: ["here", "U123"] },
    { card: { body: [{ font_type: "x" }] }, mentions: [{ name: "Ada" }] },
    {
      dedupKey: "${pipeline}",
      customDetails: { some_key: "${id}" },
      severity: { error: "critical" },
    },
    { apiKey: "k-1", details: { some_key: "${id}" } },
    { embeds: [{ some_key: 1 }], allowedMentions: { parse: ["users"] } },
  ]);
});

test("an incident configured in YAML opens and resolves an alert", async () => {
  await using receiver = await createPagerDutyReceiver();
  const loaded = await load(
    `${head}store: "memory:"
hooks:
  - name: page
    kind: pagerduty
    events: pipeline.error
    alert: { by: pipeline, resolve_on: pipeline.end }
    options:
      routing_key: "\${env:KEY}"
      api_url: "${receiver.url}"
      allow_private: true
      summary: "\${pipeline}: \${alert.count} failures"
`,
    { KEY: receiver.routingKey },
  );
  const bus = await openPipehooks(loaded, { logger: silentLogger });

  await bus.emit("pipeline.error", { pipeline: "orders" });
  await expect.poll(() => receiver.alerts.length).toBe(1);
  await bus.emit("pipeline.end", { pipeline: "orders" });
  await expect.poll(() => receiver.alerts[0]?.state).toBe("resolved");
  await bus.close();

  expect(receiver.alerts[0]?.events[0]).toMatchObject({
    payload: { summary: "orders: 1 failures" },
  });
});

test.for([
  ["slack", "{ webhook_ulr: https://x.example.com/a }", "webhook_ulr"],
  ["slack", "{}", "webhook_url"],
  ["slack", '{ webhook_url: https://x.example.com/a, text: "${nothing}" }', "nothing"],
  ["teams", '{ webhook_url: https://x.example.com/a, card: { a: "${nothing}" } }', "nothing"],
  ["pagerduty", "{ routing_key: short }", "routing_key"],
  ["pagerduty", `{ routing_key: ${"0".repeat(32)}, dedup_key: "\${alert.key}" }`, "alert"],
  ["opsgenie", '{ api_key: k-1, tags: ["${nothing}"] }', "nothing"],
  ["discord", '{ webhook_url: https://x.example.com/a, content: "${nothing}" }', "nothing"],
  ["discord", '{ webhook_url: https://x.example.com/a, dashboard_url: "${nothing}" }', "nothing"],
] as const)("%s with %s is a mistake with its place", async ([kind, options, word]) => {
  const text = `${head}hooks:
  - { name: a, kind: ${kind}, events: pipeline.end, options: ${options} }
`;

  const error = await load(text).catch((thrown: unknown) => thrown);

  const problems = (error as { problems?: { line: number; message: string; path?: string }[] })
    .problems;
  expect(JSON.stringify(problems)).toContain(word);
  expect(problems?.[0]?.line).toBe(4);
});
