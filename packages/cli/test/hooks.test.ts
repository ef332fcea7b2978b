import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFolder, linesOf, webhookTo } from "./command.ts";

const twoHooks = (url: string) => `${webhookTo(url)}
  - name: idle
    kind: webhook
    enabled: false
    events: ["pipeline.error"]
    destination: spare
    options: { url: "https://example.com/" }
destinations:
  spare: { concurrency: 1 }
`;

test.concurrent("hooks lists name, kind, events, destination, status, counts and what is next", async () => {
  await using receiver = await createHttpReceiver({ respond: [200, 400] });
  await using folder = await createFolder(twoHooks(receiver.url));
  await folder.run(["emit", "pipeline.end"]);
  await folder.run(["deliver"]);
  await folder.run(["emit", "pipeline.end"]);
  await folder.run(["deliver"]);
  await folder.run(["emit", "pipeline.end"]);

  const table = linesOf((await folder.run(["hooks"])).stdout);
  const list = await folder.json(["hooks"]);

  expect(table[0]).toMatch(
    /^HOOK +KIND +EVENTS +DESTINATION +STATUS +OPEN +DELIVERED +DEAD +NEXT$/,
  );
  expect(table[1]).toMatch(/^ops +webhook +\* +127\.0\.0\.1:\d+ +on +1 +1 +1 +due$/);
  expect(table[2]).toMatch(/^idle +webhook +pipeline\.error +spare +off +0 +0 +0$/);
  expect(list).toMatchObject([
    {
      name: "ops",
      kind: "webhook",
      events: ["*"],
      status: "on",
      counts: { waiting: 1, delivered: 1, dead: 1 },
      nextDueAt: expect.stringMatching(/^\d{4}-/),
    },
    { name: "idle", status: "off", destination: "spare" },
  ]);
});

test.concurrent("a hook that a 410 switched off is seen, and enable switches it on again for good", async () => {
  await using receiver = await createHttpReceiver({ respond: [410, 200] });
  await using folder = await createFolder(webhookTo(receiver.url));
  await folder.run(["emit", "pipeline.end"]);
  await folder.run(["deliver"]);
  await folder.run(["emit", "pipeline.start"]);

  const [off] = await folder.json(["hooks"]);
  const enabled = await folder.run(["enable", "ops"]);
  const [on] = await folder.json(["hooks"]);
  const delivered = await folder.run(["deliver"]);

  expect(off).toMatchObject({ status: "disabled", because: expect.stringContaining("410") });
  expect(enabled).toMatchObject({
    status: 0,
    stdout: "ops is on; what was accepted for it is due.\n",
  });
  expect(on).toMatchObject({ status: "on" });
  expect(delivered.stdout).toMatch(/^1 delivered/);
});

test.concurrent("so many failures in a row switch a hook off (disable_after), visibly", async () => {
  await using receiver = await createHttpReceiver({ respond: 500 });
  const yaml = webhookTo(receiver.url, "    breaker: { failures: 100, disable_after: 2 }\n");
  await using folder = await createFolder(yaml);
  await folder.run(["emit", "pipeline.end"]);

  const delivered = await folder.run(["deliver", "--for", "5s"]);
  const table = await folder.run(["hooks"]);

  expect(delivered.stderr).toContain('Hook "ops" is disabled: 2 failures in a row');
  expect(table.stdout).toMatch(/ops .*disabled .*2 failures in a row/);
});

test.concurrent("disable switches a hook off with a reason, for all processes, and its events wait", async () => {
  await using receiver = await createHttpReceiver();
  await using folder = await createFolder(webhookTo(receiver.url));

  const [disabled] = await folder.json(["disable", "ops", "--because", "maintenance"]);
  await folder.run(["emit", "pipeline.end"]);
  await folder.run(["deliver"]);
  const list = await folder.json(["hooks"]);
  const [enabled] = await folder.json(["enable", "ops"]);

  expect(disabled).toEqual({ hook: "ops", status: "disabled" });
  expect(receiver.requests).toHaveLength(0);
  expect(list).toMatchObject([
    { status: "disabled", because: "maintenance", counts: { waiting: 1 } },
  ]);
  expect(enabled).toEqual({ hook: "ops", status: "on" });
});

test.concurrent("deliveries of a hook that is not configured any more are seen", async () => {
  await using folder = await createFolder(webhookTo("http://127.0.0.1:9/"));
  await folder.run(["emit", "pipeline.end"]);
  await folder.write(
    "pipehooks.yaml",
    webhookTo("http://127.0.0.1:9/").replace("name: ops", "name: new"),
  );

  const list = await folder.json(["hooks"]);
  const delivered = await folder.run(["deliver"]);
  const [replayed] = await Promise.all([folder.run(["cancel", "dlv_1"])]);
  const again = await folder.run(["replay", "dlv_1"]);

  expect(list).toMatchObject([{ name: "new" }, { name: "ops", status: "unknown" }]);
  expect(delivered.stderr).toContain('Hook "ops" delivers nothing: it is not configured');
  expect(replayed.status).toBe(0);
  expect(again.stderr).toContain('Hook "ops" is not configured or off');
});

test.concurrent.for([
  [["enable", "osp"], 'There is no hook "osp". Did you mean "ops"? Configured are: ops, idle.'],
  [["disable", "osp"], 'There is no hook "osp"'],
  [["check", "ops", "osp"], 'There is no hook "osp"'],
  [["enable", "idle"], 'switches "idle" off ("enabled: false")'],
  [["disable", "idle"], 'switches "idle" off'],
  [["enable"], "missing required argument 'hook'"],
] as const)("%j is refused with 2", async ([args, message]) => {
  await using folder = await createFolder(twoHooks("http://127.0.0.1:9/"));

  const refused = await folder.run(args);

  expect(refused.stderr).toContain(message);
  expect(refused.status).toBe(2);
});

test.concurrent("check asks each hook, marks what it heard, and ends with 1 when one fails", async () => {
  await using receiver = await createHttpReceiver();
  await using folder = await createFolder(
    twoHooks(receiver.url)
      .replace("name: idle", "name: refuses")
      .replace("enabled: false", "enabled: true")
      .replace("https://example.com/", 'http://127.0.0.1:9/", allow_private: true, method: "POST'),
  );

  const all = await folder.run(["check"]);
  const one = await folder.run(["check", "ops", "--timeout", "5s"]);
  const json = await folder.json(["check", "refuses"]);

  expect(all.status).toBe(1);
  expect(all.stdout).toMatch(/^✓ ops {6}127\.0\.0\.1:\d+ reached/m);
  expect(all.stdout).toMatch(/^✗ refuses {2}.*refused the connection/m);
  expect(one.status).toBe(0);
  expect(linesOf(one.stdout)).toHaveLength(1);
  expect(json).toMatchObject([{ hook: "refuses", status: "failed" }]);
  expect(receiver.requests).toHaveLength(0);
});

test.concurrent("check gives a hook no longer than --timeout", async () => {
  await using folder = await createFolder(`version: 1
plugins: [./slow.mjs]
hooks: [{ name: slow, kind: slow, events: "*" }]
`);
  await folder.write("slow.mjs", slowPlugin);

  const checked = await folder.run(["check", "--timeout", "200ms"]);

  expect(checked.status).toBe(1);
  expect(checked.stdout).toContain("✗ slow");
});

test.concurrent("plugins lists versions, kinds and options, of packages and local files", async () => {
  await using folder = await createFolder(`version: 1
plugins: [./slow.mjs]
hooks: []
`);
  await folder.write("slow.mjs", slowPlugin);

  const text = await folder.run(["plugins"]);
  const list = await folder.json<{ name: string }>(["plugins"]);

  expect(text.status).toBe(0);
  expect(text.stdout).toMatch(/^@pipehooks\/webhook \d/m);
  expect(text.stdout).toMatch(/^ {4}url +string +required +Where to post/m);
  expect(text.stdout).toMatch(/^ {2}slow$/m);
  expect(list.find(({ name }) => name === "@pipehooks/webhook")).toMatchObject({
    kinds: [
      {
        kind: "webhook",
        options: expect.arrayContaining([expect.objectContaining({ name: "allow_private" })]),
      },
    ],
  });
});

test.concurrent("plugins says of an option that may be left out only what it takes", async () => {
  await using folder = await createFolder("version: 1\nplugins: [./typed.mjs]\nhooks: []\n");
  await folder.write("typed.mjs", typedPlugin);

  const listed = await folder.run(["plugins"]);

  expect(listed.stdout).toMatch(/^ {4}loud +boolean$/m);
  expect(listed.stdout).toMatch(/^ {4}level +low\|high$/m);
  expect(listed.stdout).toMatch(/^ {4}to +string\|array$/m);
  expect(listed.stdout).toMatch(/^ {4}size +integer\|string$/m);
  expect(listed.stdout).not.toMatch(/\bnull\b/);
});

test.concurrent("plugins needs no configuration", async () => {
  await using folder = await createFolder();

  const listed = await folder.run(["plugins"]);

  expect(listed.status).toBe(0);
  expect(listed.stdout).toContain("@pipehooks/webhook");
});

/** A kind whose check never answers by itself; its schema is a Standard Schema without a library. */
const typedPlugin = `
const schema = {
  type: "object",
  properties: {
    loud: { type: "boolean" },
    level: { type: "string", enum: ["low", "high"] },
    to: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    size: { type: ["integer", "string"] },
  },
};
const options = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value }),
    jsonSchema: { input: () => schema, output: () => schema },
  },
};
const kind = { name: "typed", options, create: () => ({ deliver() {} }) };
export const typed = Object.assign((given) => ({ kind, options: given }), { kind });
`;

const slowPlugin = `
const options = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
const kind = {
  name: "slow",
  options,
  create: () => ({
    deliver() {},
    check: (signal) => new Promise((_, reject) => {
      const held = setInterval(() => {}, 1000);
      signal.addEventListener("abort", () => { clearInterval(held); reject(signal.reason); });
    }),
  }),
};
export const slow = Object.assign((given) => ({ kind, options: given }), { kind });
`;
