import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFolder, webhookTo } from "./command.ts";

const nowhere = webhookTo("http://127.0.0.1:9/");

test.concurrent("emit stores the event durably and prints it, with every field that the flags gave", async () => {
  await using folder = await createFolder(nowhere);

  const emitted = await folder.run([
    ..."emit action.error --pipeline orders --flowgroup ingest --action load --table sales.orders".split(
      " ",
    ),
    ..."--run-id r1 --subject s1 --source /elsewhere --time 2026-03-29T01:00:00Z --id e1".split(
      " ",
    ),
    ...["--metadata", "rows=42", "full=true", "version=1.10", "name=a=b", 'list=["x"]'],
    ...["--metadata-json", '{"nested":{"deep":1},"rows":1}'],
    ...["--error-message", "no such file", "--error-severity", "critical"],
  ]);
  const [stored] = await folder.json(["events"]);

  expect(emitted.status).toBe(0);
  expect(JSON.parse(emitted.stdout)).toEqual({
    id: "e1",
    source: "/elsewhere",
    type: "action.error",
    time: "2026-03-29T01:00:00.000Z",
    subject: "s1",
    pipeline: "orders",
    flowgroup: "ingest",
    action: "load",
    table: "sales.orders",
    runId: "r1",
    metadata: {
      nested: { deep: 1 },
      rows: 42,
      full: true,
      version: "1.10",
      name: "a=b",
      list: ["x"],
    },
    error: { message: "no such file", severity: "CRITICAL" },
  });
  expect(stored).toEqual(JSON.parse(emitted.stdout));
  expect(emitted.stderr).toContain("It reaches ops (dlv_1).");
});

test.concurrent("emit --json prints one line with the event and the deliveries it made", async () => {
  await using folder = await createFolder(nowhere);

  const [printed] = await folder.json(["emit", "pipeline.end"]);

  expect(printed).toMatchObject({
    event: { type: "pipeline.end", source: "/tests" },
    duplicate: false,
    deliveries: [{ hook: "ops", id: "dlv_1" }],
  });
});

test.concurrent("an id that was emitted before is said to be a duplicate, and the stored event is printed", async () => {
  await using folder = await createFolder(nowhere);
  await folder.run(["emit", "pipeline.end", "--id", "x", "--metadata", "rows=1"]);

  const again = await folder.run(["emit", "pipeline.end", "--id", "x", "--metadata", "rows=2"]);

  expect(again.status).toBe(0);
  expect(again.stderr).toContain("Duplicate: event x from /tests");
  expect(JSON.parse(again.stdout)).toMatchObject({ id: "x", metadata: { rows: 1 } });
  expect(await folder.json(["deliveries"])).toHaveLength(1);
});

test.concurrent("what run exports is taken over, and a broken TRACEPARENT costs no event", async () => {
  await using folder = await createFolder(nowhere);
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const env = { PIPEHOOKS_PIPELINE: "orders", PIPEHOOKS_RUN_ID: "r7", TRACEPARENT: trace };

  const inside = await folder.run(["emit", "table.created"], { env });
  const wrong = ["junk", trace.replace(/^00/, "ff")];
  const broken = await Promise.all(
    wrong.map((TRACEPARENT) => folder.run(["emit", "table.created"], { env: { TRACEPARENT } })),
  );

  expect(JSON.parse(inside.stdout)).toMatchObject({
    pipeline: "orders",
    runId: "r7",
    traceparent: trace,
  });
  for (const { status, stdout } of broken) {
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).not.toHaveProperty("traceparent");
  }
});

test.concurrent.for([
  ["no type", ["emit"], "Name the type"],
  ["an unknown type", ["emit", "pipeline.edn"], 'Did you mean "pipeline.end"?'],
  [
    "metadata without =",
    ["emit", "pipeline.end", "--metadata", "rows"],
    'has "rows". Write KEY=VALUE',
  ],
  [
    "metadata that does not fit its type",
    ["emit", "pipeline.end", "--metadata", "rows=many"],
    "rows",
  ],
  ["metadata that is no JSON", ["emit", "pipeline.end", "--metadata-json", "{"], "is no"],
  [
    "metadata that is no object",
    ["emit", "pipeline.end", "--metadata-json", "[1]"],
    "It is no JSON object",
  ],
  [
    "an unknown severity",
    ["emit", "pipeline.error", "--error-message", "x", "--error-severity", "BAD"],
    "INFO, WARNING, ERROR, CRITICAL",
  ],
  [
    "a severity alone",
    ["emit", "pipeline.error", "--error-severity", "ERROR"],
    "without --error-message",
  ],
  ["a time without a zone", ["emit", "pipeline.end", "--time", "yesterday"], "RFC 3339"],
  ["flags beside --stdin", ["emit", "--stdin", "--run-id", "r"], "Leave out: --run-id"],
  ["an unknown flag", ["emit", "pipeline.end", "--pipelin", "x"], "Did you mean --pipeline?"],
] as const)(
  "emit with %s is refused with 2, and nothing is printed on stdout",
  async ([, args, message]) => {
    await using folder = await createFolder(nowhere);

    const refused = await folder.run(args);

    expect(refused.stderr).toContain(message);
    expect(refused.stdout).toBe("");
    expect(refused.status).toBe(2);
  },
);

test.concurrent("the type may stand behind --metadata, which takes several values", async () => {
  await using folder = await createFolder(nowhere);

  const emitted = await folder.run(["emit", "--metadata", "rows=1", "pipeline.end"]);

  expect(JSON.parse(emitted.stdout)).toMatchObject({ type: "pipeline.end", metadata: { rows: 1 } });
});

test.concurrent("an error is told once", async () => {
  await using folder = await createFolder(nowhere);

  const { stderr } = await folder.run(["emit", "pipeline.edn"]);

  expect(stderr.match(/neither built in/g)).toHaveLength(1);
});

test.concurrent("emit --wait delivers, through a retry, until the event's deliveries are settled", async () => {
  await using receiver = await createHttpReceiver({ respond: [500, 200] });
  await using folder = await createFolder(webhookTo(receiver.url));

  const emitted = await folder.run(["emit", "pipeline.end", "--wait"]);

  expect(emitted.status).toBe(0);
  expect(receiver.requests).toHaveLength(2);
  expect(emitted.stderr).toMatch(/attempt 1 {2}retry {2}500 .*\n.*attempt 2 {2}delivered {2}200/);
  expect(emitted.stderr).toContain("1 delivered.");
});

test.concurrent("emit --wait ends with 1 when a delivery dies, and --json tells its state", async () => {
  await using receiver = await createHttpReceiver({ respond: 400 });
  await using folder = await createFolder(webhookTo(receiver.url));

  const emitted = await folder.run(["emit", "pipeline.end", "--wait", "--json"]);

  expect(emitted.status).toBe(1);
  expect(JSON.parse(emitted.stdout)).toMatchObject({
    deliveries: [{ id: "dlv_1", hook: "ops", state: "dead", attempts: 1 }],
  });
});

test.concurrent("emit --wait gives up on a hook that is switched off, and says so", async () => {
  await using receiver = await createHttpReceiver({ respond: 410 });
  await using folder = await createFolder(webhookTo(receiver.url));
  const gone = await folder.run(["emit", "pipeline.end", "--wait"]);

  const emitted = await folder.run(["emit", "pipeline.end", "--wait"]);

  expect(gone.stderr).toContain('Hook "ops" is disabled');
  expect(emitted.status).toBe(1);
  expect(emitted.stderr).toContain("1 left in the store");
  expect(emitted.stderr).toContain("ops");
});

test.concurrent("Ctrl-C during emit --wait leaves the delivery in the store", async () => {
  await using receiver = await createHttpReceiver({ respond: 500 });
  const yaml = webhookTo(receiver.url).replace(
    "attempts: 2, base: 100ms",
    "attempts: 9, base: 10m",
  );
  await using folder = await createFolder(yaml);
  const waiting = folder.start(["emit", "pipeline.end", "--wait"]);
  await waiting.said(/attempt 1/);

  waiting.child.kill("SIGINT");
  const { status, stderr } = await waiting.ended;

  expect(status).toBe(1);
  expect(stderr).toContain("1 left in the store");
  expect(await folder.json(["deliveries"])).toMatchObject([{ state: "retrying" }]);
});

test.concurrent("emit looks at the schema of the type it emits; validate and --wait at all of them", async () => {
  await using folder = await createFolder(`${nowhere}
event_types:
  data.wrong: { metadata: { type: objekt } }
`);

  const other = await folder.run(["emit", "pipeline.end"]);
  const wrong = await folder.run(["emit", "data.wrong"]);
  const waiting = await folder.run(["emit", "pipeline.end", "--wait"]);
  const validated = await folder.run(["validate"]);

  expect(other.status).toBe(0);
  for (const { status, stderr } of [wrong, waiting, validated]) {
    expect(status).toBe(2);
    expect(stderr).toContain("Not a JSON Schema");
  }
});
