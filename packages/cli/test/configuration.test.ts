import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createHttpReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createFolder, webhookTo } from "./command.ts";

const nowhere = webhookTo("http://127.0.0.1:9/");
const plumber = `plugins:
  enabled: true
  config:
    event_hooks:
      webhook:
        enabled: true
        events: [pipeline.end]
        webhook_url: https://example.com/hook
`;

test.concurrent("init writes a file that is valid, takes events, and delivers to the receiver it names", async () => {
  await using receiver = await createHttpReceiver();
  await using folder = await createFolder();

  const made = await folder.run(["init"]);
  const valid = await folder.run(["validate"]);
  const yaml = await readFile(join(folder.path, "pipehooks.yaml"), "utf8");
  await folder.write("pipehooks.yaml", yaml.replace("http://127.0.0.1:8787", receiver.url));
  const emitted = await folder.run(["emit", "pipeline.end", "--pipeline", "orders", "--wait"]);

  expect(made.stdout).toBe("pipehooks.yaml\npipehooks.schema.json\n");
  expect(made.stderr).toContain("pipehooks emit pipeline.end");
  expect(valid).toMatchObject({
    status: 0,
    stdout: "✓ pipehooks.yaml: 1 hook (ops-webhook), 1 plugin\n",
  });
  expect(yaml).toMatch(/^# yaml-language-server: \$schema=\.\/pipehooks\.schema\.json\n/);
  expect(emitted.status).toBe(0);
  expect(receiver.requests[0]?.path).toBe("/pipeline-events");
});

test.concurrent("what init leaves commented out is valid too", async () => {
  await using folder = await createFolder();
  await folder.run(["init"]);
  const yaml = await readFile(join(folder.path, "pipehooks.yaml"), "utf8");

  await folder.write(
    "pipehooks.yaml",
    yaml.replaceAll(/^( *)# ((?:\w+: [{'"\w]|\w+:$| {2}).*)$/gm, "$1$2"),
  );
  const valid = await folder.run(["validate"], {
    env: { WEBHOOK_TOKEN: "t0ken", WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString("base64")}` },
  });

  expect(valid.stderr).toBe("");
  expect(valid.status).toBe(0);
});

test.concurrent("init writes over nothing without --force", async () => {
  await using folder = await createFolder("# mine\n");

  const refused = await folder.run(["init"]);
  const kept = await readFile(join(folder.path, "pipehooks.yaml"), "utf8");
  const forced = await folder.run(["init", "--force", "--json"]);

  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain("is there already. --force writes over it");
  expect(kept).toBe("# mine\n");
  expect(forced.status).toBe(0);
  expect(JSON.parse(forced.stdout).written).toHaveLength(2);
});

test.concurrent("init writes where --config says, and beside no other configuration", async () => {
  await using folder = await createFolder();
  await folder.write("pipehooks.config.ts", "export default {};\n");

  const beside = await folder.run(["init"]);
  const elsewhere = await folder.run(["init", "--config", "conf/hooks.yaml"]);
  const typescript = await folder.run(["init", "-c", "pipehooks2.config.ts"]);

  expect(beside.status).toBe(2);
  expect(elsewhere.status).toBe(0);
  await access(join(folder.path, "conf/hooks.schema.json"));
  expect(typescript.status).toBe(2);
  expect(typescript.stderr).toContain("Name a .yaml file");
});

test.concurrent("validate tells every problem at its place, and ends with 2", async () => {
  await using folder = await createFolder(`version: 1
hooks:
  - name: ops
    kind: webhok
    events: ["pipelin.end"]
    options: {}
`);

  const text = await folder.run(["validate"]);
  const json = await folder.run(["validate", "--json"]);

  expect(text).toMatchObject({ status: 2, stdout: "" });
  expect(text.stderr).toContain("pipehooks.yaml:4:11");
  expect(text.stderr).toContain("Did you mean webhook?");
  expect(text.stderr).toContain("pipehooks.yaml:5:");
  expect(json.status).toBe(2);
  const told = JSON.parse(json.stdout);
  expect(told).toMatchObject({ valid: false });
  expect(told.problems[0]).toMatchObject({ line: 4, column: 11, code: "HOOK_KIND_UNKNOWN" });
});

test.concurrent("a plugin that never ends to load is told at its place, with 2", async () => {
  await using folder = await createFolder(`version: 1
sorce: /x
plugins: [./waits.mjs]
`);
  await folder.write("waits.mjs", "await new Promise(() => {});\n");

  const { status, stderr } = await folder.run(["validate"]);

  expect(status).toBe(2);
  expect(stderr).toContain("Did you mean source?");
  expect(stderr).toMatch(/pipehooks\.yaml:3:11: \.\/waits\.mjs cannot be loaded: it waits/);
});

test.concurrent("a plugin that ends the process does not pass for success", async () => {
  await using folder = await createFolder("version: 1\nplugins: [./ends.mjs]\n");
  await folder.write("ends.mjs", "process.exit(0);\n");

  const { status, stdout, stderr } = await folder.run(["validate"]);

  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("error: The process was ended before the command was done");
});

test.concurrent("validate --json of a right file names its hooks and its store", async () => {
  await using folder = await createFolder(nowhere);

  const [told] = await folder.json(["validate"]);

  expect(told).toMatchObject({ valid: true, hooks: ["ops"], problems: [] });
  expect(told?.store).toMatch(/^sqlite:.*\.pipehooks\/pipehooks\.db$/);
});

test.concurrent("of many hooks validate shows twenty names, and with --json all", async () => {
  await using folder = await createFolder();
  const hooks = Array.from({ length: 30 }, (_, n) => `h${n}`);
  const rest = 'kind: webhook, events: "*", options: { url: "https://example.com/" }';
  const list = hooks.map((name) => `  - { name: ${name}, ${rest} }`);
  await folder.write("pipehooks.yaml", `version: 1\nhooks:\n${list.join("\n")}\n`);

  const text = await folder.run(["validate"]);
  const [json] = await folder.json(["validate"]);

  expect(text.stdout).toMatch(/ 30 hooks \(h0, h1, .*h19, and 10 more\), 1 plugin\n$/);
  expect(json).toMatchObject({ valid: true, hooks });
});

test.concurrent("the file is found above, or is the one that -c names, before or behind the command", async () => {
  await using folder = await createFolder(nowhere);
  await folder.write("other.yaml", "version: 1\nsource: /other\nstore: sqlite:other.db\n");

  const before = await folder.run(["-c", "other.yaml", "emit", "pipeline.end"]);
  const behind = await folder.run(["emit", "pipeline.end", "--config=other.yaml"]);
  const missing = await folder.run(["events", "-c", "none.yaml"]);

  expect(JSON.parse(before.stdout).source).toBe("/other");
  expect(JSON.parse(behind.stdout).source).toBe("/other");
  expect(missing.status).toBe(2);
  expect(missing.stderr).toContain("none.yaml cannot be read: it does not exist");
});

test.concurrent("without any file every command says how to begin, with 2", async () => {
  await using folder = await createFolder();

  const commands = [["emit", "pipeline.end"], ["hooks"], ["migrate"]];
  const ended = await Promise.all(commands.map((args) => folder.run(args)));

  expect(ended.map(({ status }) => status)).toEqual(commands.map(() => 2));
  for (const { stderr } of ended) expect(stderr).toContain("There is no pipehooks.yaml");
});

test.concurrent("a TypeScript configuration works as well", async () => {
  await using receiver = await createHttpReceiver();
  await using folder = await createFolder();
  const url = JSON.stringify(receiver.url);
  await folder.write(
    "pipehooks.config.ts",
    `const url: string = ${url};
export default { source: "/ts", hooks: [{ name: "ops", kind: "webhook", events: "*", options: { url, allowPrivate: true } }] };\n`,
  );

  const emitted = await folder.run(["emit", "pipeline.end", "--wait"]);

  expect(emitted.stderr).toContain("1 delivered.");
  expect(JSON.parse(emitted.stdout).source).toBe("/ts");
});

test.concurrent("schema prints a JSON Schema with the options of the kinds, with and without a file", async () => {
  await using folder = await createFolder(nowhere);
  await using empty = await createFolder();

  const [text, line, bare] = await Promise.all([
    folder.run(["schema"]),
    folder.json(["schema"]),
    empty.run(["schema"]),
  ]);

  expect(JSON.parse(text.stdout)).toEqual(line[0]);
  expect(line[0]).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
  expect(text.stdout).toContain("allow_private");
  expect(bare.stdout).toBe(text.stdout);
});

test.concurrent("migrate prints the lakehouse-plumber form as today's, which is valid", async () => {
  await using folder = await createFolder(plumber);

  const migrated = await folder.run(["migrate"]);
  await folder.write("new.yaml", migrated.stdout);
  const valid = await folder.run(["validate", "-c", "new.yaml"]);
  const again = await folder.run(["migrate", "new.yaml"]);
  const [json] = await folder.json(["migrate", "pipehooks.yaml"]);
  const missing = await folder.run(["migrate", "none.yaml"]);
  await folder.write("latin1.yaml", Buffer.from(`# caf\u00e9\n${plumber}`, "latin1"));
  const latin1 = await folder.run(["migrate", "latin1.yaml"]);

  expect(migrated.status).toBe(0);
  expect(migrated.stdout).toContain("kind: webhook");
  expect(valid.status).toBe(0);
  expect(again.status).toBe(2);
  expect(again.stderr).toContain("nothing to migrate");
  expect(`${json?.yaml}`.trimEnd()).toBe(migrated.stdout.trimEnd());
  expect(missing.status).toBe(2);
  expect(latin1).toMatchObject({ status: 2, stdout: "" });
  expect(latin1.stderr).toContain("latin1.yaml:1:6: The file is not in UTF-8");
});

test.concurrent("a memory store is warned of: a command's events end with it", async () => {
  await using folder = await createFolder(`${nowhere}store: "memory:"\n`);

  const emitted = await folder.run(["emit", "pipeline.end"]);

  expect(emitted.status).toBe(0);
  expect(emitted.stderr).toContain("The store is memory");
});
