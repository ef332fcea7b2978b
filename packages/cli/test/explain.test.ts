import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFolder, linesOf, webhookTo } from "./command.ts";

interface Explained {
  readonly stored: boolean;
  readonly event: { readonly id: string; readonly source: string };
  readonly hooks: readonly {
    readonly hook: string;
    readonly verdict: string;
    readonly summary: string;
  }[];
}

const threeHooks = (url: string) => `${webhookTo(url)}
  - name: critical
    kind: webhook
    events: ["pipeline.{end,error}"]
    filter: { pipelines: ["prod_*"] }
    when: 'event.error.severity == "CRITICAL" && event.metadata.rows > 3'
    options: { url: "${url}", allow_private: true }
  - name: tables
    kind: webhook
    events: table.created
    options: { url: "${url}", allow_private: true }
`;
const nowhere = "http://127.0.0.1:9/";

test.concurrent("explain says for every hook why an event fired it or not, those that it reached first", async () => {
  await using receiver = await createHttpReceiver({ respond: [500, 200] });
  await using folder = await createFolder(threeHooks(receiver.url));
  const fields = [
    "--pipeline",
    "prod_orders",
    "--error-message",
    "boom",
    "--error-severity",
    "WARNING",
  ];
  await folder.run(["emit", "pipeline.error", "--id", "e1", ...fields]);
  await folder.run(["deliver", "--for", "5s"]);

  const { status, stdout } = await folder.run(["explain", "e1"]);

  expect(status).toBe(0);
  const lines = linesOf(stdout);
  expect(lines[0]).toBe("pipeline.error  e1");
  expect(lines[1]).toMatch(/^from \/tests, stored .* ago, at \d{4}-/);
  expect(lines[2]).toBe("✓ ops (webhook)  delivered after 2 attempts");
  expect(stdout).toMatch(/^ {2}✓ events {4}pipeline\.error fits \*$/m);
  expect(stdout).toMatch(/^ {2}✓ delivery {2}dlv_1: delivered after 2 attempts$/m);
  expect(stdout).toMatch(
    /^ {6}attempt 1 {2}\S+ {2}retry {2}took .* RECEIVER_FAILED\n {8}.*answered 500/m,
  );
  expect(stdout).toContain(
    "✗ critical (webhook)  does not fire: when is false: event.error.severity is WARNING, not CRITICAL\n",
  );
  expect(stdout).toContain("  ✓ filter    pipeline is prod_orders, which passes prod_*\n");
  expect(stdout).toContain(
    [
      "  ✗ when      is false: event.error.severity is WARNING, not CRITICAL",
      "      ✗ all of",
      '        ✗ event.error.severity == "CRITICAL"   event.error.severity = "WARNING"',
      "        ? event.metadata.rows > 3   event.metadata.rows is missing",
      "",
    ].join("\n"),
  );
  expect(lines.at(-1)).toBe(
    "✗ tables (webhook)  does not fire: pipeline.error fits none of table.created",
  );
});

test.concurrent("explain --json prints the explanation; --hook leaves the others out", async () => {
  await using folder = await createFolder(threeHooks(nowhere));
  await folder.run(["emit", "pipeline.end", "--id", "e1"]);

  const [all] = await folder.json<Explained>(["explain", "e1"]);
  const [one] = await folder.json<Explained>(["explain", "e1", "--hook", "critical"]);
  const byDelivery = await folder.run(["explain", "dlv_1"]);

  expect(all).toMatchObject({
    stored: true,
    event: { id: "e1", source: "/tests" },
    hooks: [
      { hook: "ops", verdict: "waiting" },
      { hook: "critical", verdict: "not_reached", steps: expect.any(Array) },
      { hook: "tables", verdict: "not_reached" },
    ],
  });
  expect(one?.hooks.map(({ hook }) => hook)).toEqual(["critical"]);
  expect(byDelivery.stdout).toContain("… ops (webhook)  waits for a process that delivers");
  expect(byDelivery.stdout).not.toContain("critical");
});

test.concurrent("explain --file takes an event that is not stored, as CloudEvent, in the short form, from a file or stdin", async () => {
  await using folder = await createFolder(threeHooks(nowhere));
  const short = { type: "table.created", table: "orders" };
  const cloudEvent = { specversion: "1.0", id: "c1", source: "/x", type: "table.created" };
  await folder.write("short.json", JSON.stringify(short, null, 2));
  await folder.write("cloud.json", JSON.stringify(cloudEvent));

  const [file] = await folder.json<Explained>(["explain", "--file", "short.json"]);
  const [cloud] = await folder.json<Explained>(["explain", "--file", "cloud.json"]);
  const piped = await folder.run(["explain", "--file", "-"], { input: JSON.stringify(short) });

  expect(file).toMatchObject({ stored: false, event: { table: "orders", source: "/tests" } });
  expect(file?.hooks.map(({ verdict }) => verdict)).toEqual(["fires", "not_reached", "fires"]);
  expect(cloud).toMatchObject({ stored: false, event: { id: "c1", source: "/x" } });
  expect(piped.stdout).toContain("not stored: this is what would become of it now");
  expect(piped.stdout).toContain("✓ tables (webhook)  fires\n");
  expect(await folder.json(["events"])).toEqual([]);
});

test.concurrent("explain tells of all sources that use an id; --source picks one", async () => {
  await using folder = await createFolder(threeHooks(nowhere));
  await folder.run(["emit", "pipeline.end", "--id", "e1", "--source", "/a"]);
  await folder.run(["emit", "table.created", "--id", "e1", "--source", "/b"]);

  const both = await folder.json<Explained>(["explain", "e1"]);
  const one = await folder.json<Explained>(["explain", "e1", "--source", "/a"]);
  const text = await folder.run(["explain", "e1"]);

  expect(both.map(({ event }) => event.source)).toEqual(["/b", "/a"]);
  expect(one.map(({ event }) => event.source)).toEqual(["/a"]);
  expect(text.stdout).toContain("The id is also used by /a.");
  expect(text.stderr).toContain("--source picks one");
});

test.concurrent.for([
  [["explain", "nobody"], "There is no event nobody in sqlite:"],
  [["explain", "nobody"], '"pipehooks events" lists what is there; --file explains'],
  [["explain", "dlv_7"], "There is no event dlv_7"],
  [["explain", "e1", "--source", "/x"], "There is no event e1 from /x"],
  [["explain"], "Give the id of an event, or --file"],
  [["explain", "e1", "--file", "x.json"], "either of them"],
  [["explain", "--file", "-", "--source", "/x"], "--source goes with an id"],
  [["explain", "--file", "missing.json"], "missing.json: "],
  [["explain", "--file", "bad.json"], "bad.json: it is no JSON"],
  [["explain", "--file", "latin1.json"], "latin1.json: it is not UTF-8"],
  [["explain", "--file", "typeless.json"], 'typeless.json: it has no "type"'],
  [
    ["explain", "--file", "unknown.json"],
    'Event type "pipeline.erro" is neither built in nor defined',
  ],
  [
    ["explain", "e1", "--hook", "osp"],
    'There is no hook "osp". Did you mean "ops"? Configured are: ops, critical, tables.',
  ],
] as const)("%j ends with 2: %s", async ([args, message]) => {
  await using folder = await createFolder(threeHooks(nowhere));
  await folder.write("bad.json", "{");
  await folder.write(
    "latin1.json",
    Buffer.from('{"type":"pipeline.end","table":"caf\u00e9"}', "latin1"),
  );
  await folder.write("typeless.json", "{}");
  await folder.write("unknown.json", '{"type":"pipeline.erro"}');
  await folder.run(["emit", "pipeline.end", "--id", "e1"]);

  const refused = await folder.run(args);

  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toContain(message);
});

test.concurrent("explain shows no secret, and nothing that steers a terminal", async () => {
  const yaml = `${webhookTo(nowhere)}    when: 'event.metadata.token == "\${env:TOKEN}"'\n`;
  await using folder = await createFolder(
    yaml.replace("options: {", 'options: { headers: { Authorization: "Bearer ${env:TOKEN}" },'),
  );
  const env = { TOKEN: "hunter2-hunter2" };
  const metadata = JSON.stringify({ token: "a\u001b[2Jb", copy: "hunter2-hunter2" });
  await folder.run(["emit", "pipeline.end", "--id", "e1", "--metadata-json", metadata], { env });

  const text = await folder.run(["explain", "e1"], { env });
  const json = await folder.run(["explain", "e1", "--json"], { env });

  expect(text.stdout).toContain("does not fire: when is false");
  expect(text.stdout + json.stdout).not.toContain("hunter2");
  expect(text.stdout).not.toContain("\u001b");
});

const joined = `version: 1
source: /tests
hooks:
  - name: build
    kind: webhook
    join:
      all_of:
        - { name: orders, events: table.created, when: 'event.table == "orders"' }
        - { name: customers, events: table.created, when: 'event.table == "customers"' }
      by: metadata.date
      within: 2h
    options: { url: "${nowhere}", allow_private: true }
  - name: retried
    kind: webhook
    events: "*"
    retry: { base: 10m, jitter: none }
    options: { url: "${nowhere}", allow_private: true }
`;

test.concurrent("explain says what a gate waits for, and what it would do with what is missing", async () => {
  await using folder = await createFolder(joined);
  const metadata = { date: "2026-03-29" };
  const emit = ["emit", "table.created", "--table", "orders", "--id", "e1"];
  await folder.run([...emit, "--metadata-json", JSON.stringify(metadata)]);
  const next = JSON.stringify({ type: "table.created", table: "customers", metadata });

  const held = await folder.run(["explain", "e1", "--hook", "build"]);
  const would = await folder.run(["explain", "--file", "-", "--hook", "build"], { input: next });

  expect(held.stdout).toMatch(
    /^… build \(webhook\) {2}waits at its join for customers until \d{4}-/m,
  );
  expect(held.stdout).toContain(
    '  ✓ gate      it comes to the join of "2026-03-29": the event is orders\n',
  );
  expect(held.stdout).toContain("      ✓ input orders     event.table is orders\n");
  expect(held.stdout).toContain("      waits for: customers\n");
  expect(would.stdout).toContain(
    "      would: 2 events let through as one delivery: all inputs came: orders, customers\n",
  );
});

test.concurrent("hooks --next lists what happens next by itself, with relative and absolute times", async () => {
  await using folder = await createFolder(joined);
  await folder.run(["emit", "table.created", "--table", "orders"]);
  await folder.run(["deliver"]);

  const table = linesOf((await folder.run(["hooks", "--next"])).stdout);
  const list = await folder.json(["hooks", "--next"]);
  const hooks = await folder.json(["hooks"]);

  expect(table[0]).toMatch(/^WHEN +AT +HOOK +DELIVERY +WHAT$/);
  expect(table[1]).toMatch(/^in (?:9|10) m.* +\d{4}-\S+Z +retried +dlv_\d +1 delivery retrying$/);
  expect(table[2]).toMatch(
    /^in 2 h +\d{4}-\S+Z +build +dlv_\d +join: gives up at .* missing customers$/,
  );
  expect(list).toMatchObject([
    { type: "delivery", hooks: ["retried"], state: "retrying", count: 1, configured: true },
    { type: "gate", hooks: ["build"], key: null, configured: true },
  ]);
  expect(hooks).toMatchObject([
    { name: "build", gate: "join", events: ["table.created"], counts: { gathering: 1 } },
    { name: "retried" },
  ]);
});

test.concurrent("hooks --next shows gates of hooks that are not configured any more, and says when nothing is waited for", async () => {
  await using folder = await createFolder(joined);
  const nothing = await folder.run(["hooks", "--next"]);
  await folder.run(["emit", "table.created", "--table", "orders"]);
  await folder.write("pipehooks.yaml", webhookTo(nowhere));

  const { stdout } = await folder.run(["hooks", "--next"]);

  expect(nothing).toMatchObject({ status: 0, stdout: "", stderr: "Nothing is waited for.\n" });
  expect(stdout).toMatch(
    /^never +build .*the hook is not configured any more: nobody asks its gate; 1 event held$/m,
  );
  expect(stdout).toMatch(/^never +retried .*its hook is not configured any more$/m);
});
