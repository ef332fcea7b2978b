import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bin, createFolder, webhookTo } from "./command.ts";

const nowhere = webhookTo("http://127.0.0.1:9/");
const node = process.execPath;

interface Event {
  readonly id: string;
  readonly type: string;
  readonly pipeline?: string;
  readonly runId?: string;
  readonly traceparent?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly error?: {
    message: string;
    class: string;
    code: string;
    severity: string;
    stack: string;
  };
}

test.concurrent("run emits pipeline.start and pipeline.end around the command, whose output is its own", async () => {
  await using folder = await createFolder(nowhere);

  const ran = await folder.run([
    ...["run", "--pipeline", "orders", "--run-id", "r1", "--metadata", "date=2026-03-29", "--"],
    ...["sh", "-c", "echo out; echo err >&2"],
  ]);
  const [end, start] = await folder.json<Event>(["events"]);

  expect(ran).toMatchObject({ status: 0, stdout: "out\n", stderr: "err\n" });
  expect(start).toMatchObject({
    type: "pipeline.start",
    pipeline: "orders",
    runId: "r1",
    metadata: { date: "2026-03-29", command: "sh" },
  });
  expect(end).toMatchObject({ type: "pipeline.end", runId: "r1", metadata: { exit_code: 0 } });
  expect(end?.metadata.duration).toEqual(expect.any(Number));
});

test.concurrent("a command that fails keeps its exit status, and pipeline.error has it and the end of stderr", async () => {
  await using folder = await createFolder(nowhere);
  const script = `process.stderr.write("x".repeat(20000) + "\\nValueError: no such file\\n"); process.exitCode = 3`;

  const ran = await folder.run(["run", "--pipeline", "orders", "--", node, "-e", script]);
  const [error] = await folder.json<Event>(["events", "--type", "pipeline.error"]);

  expect(ran.status).toBe(3);
  expect(ran.stderr).toHaveLength(20_000 + "\nValueError: no such file\n".length);
  expect(error).toMatchObject({
    metadata: { exit_code: 3 },
    error: {
      message: "node ended with exit status 3",
      class: "CommandFailed",
      code: "3",
      severity: "ERROR",
    },
  });
  expect(error?.error?.stack).toMatch(/^…\nValueError: no such file$/);
});

test.concurrent("the command gets the run's id, its pipeline and the trace, and its own emits inherit them", async () => {
  await using folder = await createFolder(nowhere);
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  const ran = await folder.run(
    [
      "run",
      "--pipeline",
      "orders",
      "--",
      "sh",
      "-c",
      'echo "$PIPEHOOKS_PIPELINE $PIPEHOOKS_RUN_ID $TRACEPARENT"',
    ],
    { env: { TRACEPARENT: trace } },
  );
  const [end] = await folder.json<Event>(["events"]);

  expect(ran.stdout).toBe(`orders ${end?.runId} ${trace}\n`);
  expect(end?.traceparent).toBe(trace);
});

test.concurrent("what the command emits inherits pipeline, run and trace, also by --stdin, but for what has happened before", async () => {
  await using folder = await createFolder(nowhere);
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const lines = [{ type: "table.created" }, { type: "table.created", id: "old" }];
  const script = `node ${bin} emit action.start && node ${bin} emit --stdin < lines`;
  await folder.write("lines", lines.map((line) => JSON.stringify(line)).join("\n"));

  const ran = await folder.run(["run", "--pipeline", "orders", "--", "sh", "-c", script], {
    env: { TRACEPARENT: trace },
  });
  const events = await folder.json<Event>(["events"]);

  expect(ran.status).toBe(0);
  const [start] = events.filter(({ type }) => type === "pipeline.start");
  const context = { pipeline: "orders", runId: start?.runId, traceparent: trace };
  const inside = events.filter(({ type, id }) => !type.startsWith("pipeline.") && id !== "old");
  expect(inside).toMatchObject([context, context]);
  expect(events.find(({ id }) => id === "old")).not.toHaveProperty("pipeline");
});

test.concurrent("a command ended by a signal is 128 + n, also when the signal came through us", async () => {
  await using folder = await createFolder(nowhere);
  const itself = await folder.run([
    "run",
    "--pipeline",
    "orders",
    "--",
    "sh",
    "-c",
    "kill -KILL $$",
  ]);
  const running = folder.start([
    "run",
    "--pipeline",
    "orders",
    "--",
    "sh",
    "-c",
    "echo begun; exec sleep 30",
  ]);
  await running.said(/begun/);

  running.child.kill("SIGTERM");
  const forwarded = await running.ended;
  const errors = await folder.json<Event>(["events", "--type", "pipeline.error"]);

  expect(itself.status).toBe(137);
  expect(forwarded.status).toBe(143);
  expect(errors.map(({ error }) => error?.code)).toEqual(["SIGTERM", "SIGKILL"]);
  expect(errors[0]?.error?.message).toBe("sh was ended by SIGTERM");
});

test.concurrent("a command that takes a signal and ends well ends well", async () => {
  await using folder = await createFolder(nowhere);
  const script = `process.on("SIGINT", () => process.exit(0)); setInterval(() => {}, 1000); console.log("begun")`;
  const running = folder.start(["run", "--pipeline", "orders", "--", node, "-e", script]);
  await running.said(/begun/);

  running.child.kill("SIGINT");
  const { status } = await running.ended;

  expect(status).toBe(0);
  expect(await folder.json(["events", "--type", "pipeline.end"])).toHaveLength(1);
});

test.concurrent("a command that is not there is 127 and one that cannot be run is 126, as in a shell", async () => {
  await using folder = await createFolder(nowhere);

  const missing = await folder.run(["run", "--pipeline", "orders", "--", "no-such-command"]);
  const unrunnable = await folder.run(["run", "--pipeline", "orders", "--", "./pipehooks.yaml"]);

  expect(missing.status).toBe(127);
  expect(missing.stderr).toContain("no-such-command cannot be run");
  expect(unrunnable.status).toBe(126);
  expect(await folder.json(["events", "--type", "pipeline.error"])).toHaveLength(2);
});

test.concurrent("the command runs although the store cannot be used, and the loss is said, even with --quiet", async () => {
  await using folder = await createFolder(`${nowhere}store: sqlite:pipehooks.yaml/events.db\n`);

  const ran = await folder.run([
    "run",
    "--quiet",
    "--pipeline",
    "orders",
    "--",
    "sh",
    "-c",
    "echo out; exit 4",
  ]);

  expect(ran.status).toBe(4);
  expect(ran.stdout).toBe("out\n");
  expect(ran.stderr).toMatch(/error: .*not accepted.*sqlite: /);
});

test.concurrent("a background process that holds stderr open does not hold up the end", async () => {
  await using folder = await createFolder(nowhere);
  const at = performance.now();

  const ran = await folder.run([
    "run",
    "--pipeline",
    "orders",
    "--",
    "sh",
    "-c",
    "sleep 20 >/dev/null & exit 0",
  ]);

  expect(ran.status).toBe(0);
  expect(performance.now() - at).toBeLessThan(15_000);
});

test.concurrent("the command reads our stdin", async () => {
  await using folder = await createFolder(nowhere);

  const ran = await folder.run(["run", "--pipeline", "orders", "--", "cat"], {
    input: "from outside",
  });

  expect(ran.stdout).toBe("from outside");
});

test.concurrent("a secret in the command's stderr is passed on and not stored", async () => {
  await using folder = await createFolder(
    `${nowhere.replace("allow_private: true", 'allow_private: true, headers: { X-Key: "${env:KEY}" }')}`,
  );
  const env = { KEY: "s3cret-in-stderr" };

  await folder.run(["run", "--pipeline", "orders", "--", "sh", "-c", "echo $KEY >&2; exit 1"], {
    env,
  });
  const stored = await readFile(join(folder.path, ".pipehooks/pipehooks.db"));
  const { stdout } = await folder.run(["events", "--type", "pipeline.error", "--json"], { env });

  expect(stored.includes(env.KEY)).toBe(false);
  expect(JSON.parse(stdout).error.stack).toBe("[redacted]");
});

test.concurrent.for([
  ["no pipeline", ["run", "--", "true"], "--pipeline NAME"],
  ["an empty pipeline", ["run", "--pipeline", "", "--", "true"], "The pipeline's name is empty"],
  ["no command", ["run", "--pipeline", "orders"], "Name the command behind --"],
  ["no --", ["run", "--pipeline", "orders", "ls", "-l"], "write -- before the command"],
] as const)("run with %s ends with 2, and runs nothing", async ([, args, message]) => {
  await using folder = await createFolder(nowhere);

  const refused = await folder.run(args);

  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain(message);
});

test.concurrent("where the configuration is wrong the command runs all the same, and that is said", async () => {
  await using folder = await createFolder("version: 9\n");
  const command = ["sh", "-c", "echo $PIPEHOOKS_PIPELINE; exit 3"];

  const ran = await folder.run(["run", "--pipeline", "orders", "--", ...command]);

  expect(ran).toMatchObject({ status: 3, stdout: "orders\n" });
  expect(ran.stderr).toContain('pipehooks.yaml:1:10: "version" must be 1');
  expect(ran.stderr).toContain("The command runs all the same, and nobody is told of it.");
});

const withSecret = `version: 1
hooks:
  - name: ops
    kind: webhook
    events: "*"
    options: { url: "\${env:OPS_URL}", signing: { secret: "\${env:OPS_SECRET}" } }
`;

test.concurrent("who delivers nothing needs nothing that hooks have from outside", async () => {
  await using folder = await createFolder(withSecret);

  const ran = await folder.run(["run", "--pipeline", "orders", "--", "sh", "-c", "echo ran"]);
  const emitted = await folder.run(["emit", "table.created", "--table", "raw"]);
  const [events, deliveries, delivered, checked] = await Promise.all([
    folder.run(["events", "--json"]),
    folder.run(["deliveries"]),
    folder.run(["deliver"]),
    folder.run(["check"]),
  ]);

  expect(ran).toMatchObject({ status: 0, stdout: "ran\n", stderr: "" });
  expect(emitted.status).toBe(0);
  expect(events.stdout.trim().split("\n")).toHaveLength(3);
  expect(deliveries.stdout).toContain("waiting");
  for (const refused of [delivered, checked]) {
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("The environment variable OPS_URL is not set.");
  }
});

test.concurrent("nothing stands in for what the store is made of", async () => {
  await using folder = await createFolder(`store: "sqlite:\${env:STORE}/events.db"\n${withSecret}`);

  const refused = await folder.run(["emit", "pipeline.end"]);

  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain("The environment variable STORE is not set.");
});
