import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "@pipehooks/config";
import { type HookConfig, parseDuration } from "@pipehooks/core";
import { expect, test } from "vitest";
import { fixture, folderWith, loadText, problemsOf, withHook } from "./workspace.ts";

const recorder = fixture("recorder.ts");

async function hookOf(text: string): Promise<HookConfig> {
  const { options } = await loadText(text);
  const [hook] = options.hooks ?? [];
  if (hook === undefined) throw new Error("the file has no hook");
  return hook;
}

test("a file with a version only has no hooks and the default store beside it", async () => {
  const folder = folderWith({ "pipehooks.yaml": "version: 1\n" });

  const loaded = await loadConfig({ cwd: folder, env: {} });

  expect(loaded).toMatchObject({
    file: join(folder, "pipehooks.yaml"),
    storeUrl: `sqlite:${join(folder, ".pipehooks/pipehooks.db")}`,
    durability: "full",
    options: { hooks: [], events: {}, secrets: [] },
    warnings: [],
  });
});

test.for([
  ["store: sqlite:data/x.db", (folder: string) => `sqlite:${join(folder, "data/x.db")}`],
  ["store: sqlite:///var/lib/x.db", () => "sqlite:/var/lib/x.db"],
  ['store: "memory:"', () => "memory:"],
  ["store: memory: # for tests", () => "memory:"],
  ["store: memory", () => "memory:"],
] as const)("%s names the store", async ([line, expected]) => {
  const folder = folderWith({ "pipehooks.yaml": `version: 1\n${line}\n` });

  const { storeUrl } = await loadConfig({ cwd: folder, env: {} });

  expect(storeUrl).toBe(expected(folder));
});

test("the keys of the file become the options of the bus", async () => {
  const { options, durability } = await loadText(`
version: 1
source: /pipelines/prod
durability: normal
max_event_size: 64KiB
allow_unknown_types: true
retention: { max_age: 7d, dead_max_age: 30d, max_events: 5000 }
destinations:
  hex: { rate_limit: [20/1m, 60/1h], concurrency: 10, breaker: { failures: 2, reset: 5s } }
defaults:
  timeout: 5s
  retry: { attempts: 3 }
`);

  expect(durability).toBe("normal");
  expect(options).toMatchObject({
    source: "/pipelines/prod",
    maxEventBytes: 65_536,
    allowUnknownTypes: true,
    retention: { maxAge: "7d", deadMaxAge: "30d", maxEvents: 5000 },
    destinations: {
      hex: {
        rateLimit: ["20/1m", "60/1h"],
        concurrency: 10,
        breaker: { failures: 2, reset: "5s" },
      },
    },
    defaults: { timeout: "5s", retry: { attempts: 3 } },
  });
});

test("the keys of a hook become its configuration", async () => {
  const text = `destinations: { hex: {} }\n${withHook(`enabled: false
events: ["pipeline.{end,error}", "!pipeline.end"]
filter: { pipelines: [prod_*, "!prod_x"], flowgroups: [], actions: [load], tables: "a.*" }
when: 'event.error.severity == "CRITICAL"'
destination: hex
timeout: 30s
retry: { attempts: 8, base: 1s, factor: 2, cap: 10m, jitter: equal, max_age: 24h }
concurrency: 10
order_by: metadata.customer
rate_limit: [20/1m, 60/1h]
breaker: { failures: 5, reset: 1m, disable_after: 50 }`)}`;

  const { hook: _hook, ...hook } = await hookOf(text);

  expect(hook).toEqual({
    name: "log",
    enabled: false,
    events: ["pipeline.{end,error}", "!pipeline.end"],
    filter: {
      pipelines: ["prod_*", "!prod_x"],
      flowgroups: [],
      actions: ["load"],
      tables: ["a.*"],
    },
    when: 'event.error.severity == "CRITICAL"',
    destination: "hex",
    timeout: "30s",
    retry: {
      attempts: 8,
      base: "1s",
      factor: 2,
      cap: "10m",
      jitter: "equal",
      maxAge: "24h",
    },
    concurrency: 10,
    orderBy: "metadata.customer",
    rateLimit: ["20/1m", "60/1h"],
    breaker: { failures: 5, reset: "1m", disableAfter: 50 },
  });
});

test.for(["500ms", "10s", "5m", "2h", "7d", "1.5s"])("%s is a duration", async (duration) => {
  const { timeout } = await hookOf(withHook(`timeout: ${duration}`));

  expect(parseDuration(timeout ?? "")).toBeGreaterThan(0);
});

test("one glob may stand for a list of them", async () => {
  expect(await hookOf(withHook('events: "pipeline.*"'))).toMatchObject({ events: ["pipeline.*"] });
});

test("options become camelCase where the kind has keys, and stay as written where they are data", async () => {
  const text = withHook(
    "",
    `line: { total_rows: "\${metadata.rows}", innerKey: 1 }
labels: { team_name: data, costCentre: x }
parts: [{ part_name: a }]
max_lines: 3`,
  );

  const { hook } = await hookOf(text);

  expect(hook).toMatchObject({
    options: {
      outputFile: "out.ndjson",
      line: { total_rows: "${metadata.rows}", innerKey: 1 },
      labels: { team_name: "data", costCentre: "x" },
      parts: [{ partName: "a" }],
      maxLines: 3,
    },
  });
});

test("keys of data stay as written where YAML reads a number or a truth in them", async () => {
  const { hook } = await hookOf(withHook("", "line: { 007: a, 1.0: b, True: c, ~: d }"));

  expect(hook).toMatchObject({
    options: { line: { "007": "a", "1.0": "b", True: "c", "~": "d" } },
  });
});

test("a key with nothing behind it says nothing", async () => {
  const { name, ...hook } = await hookOf(withHook("filter:\nretry:\nwhen:", "labels:"));

  expect(name).toBe("log");
  expect(hook).not.toHaveProperty("retry");
  expect(hook.hook).toMatchObject({ options: { outputFile: "out.ndjson" } });
});

test("anchors, aliases and merge keys work, the nearest key wins", async () => {
  const text = `
x-policies: &slow { timeout: 1m, concurrency: 1 }
x-retries: &retries { timeout: 9m, retry: { attempts: 2 } }
plugins: [${recorder}]
hooks:
  - name: a
    kind: recorder
    events: "*"
    <<: [*slow, *retries]
    concurrency: 5
    options: &options { output_file: a }
  - { name: b, kind: recorder, events: "*", options: *options }
`;

  const { options } = await loadText(text);

  expect(options.hooks).toMatchObject([
    {
      timeout: "1m",
      concurrency: 5,
      retry: { attempts: 2 },
      hook: { options: { outputFile: "a" } },
    },
    { hook: { options: { outputFile: "a" } } },
  ]);
});

test("a glob that no known type matches is doubtful, a name that no type has is wrong", async () => {
  const { warnings } = await loadText(withHook('events: ["databricks.*", pipeline.end]'));

  expect(warnings).toMatchObject([{ line: 6, message: expect.stringContaining('"databricks.*"') }]);
  expect(await problemsOf(withHook("events: [databricks.done]"))).toHaveLength(1);
});

test("globs that take away what the others take are doubtful", async () => {
  const { warnings } = await loadText(withHook('events: ["pipeline.end", "!pipeline.*"]'));

  expect(warnings).toMatchObject([
    { line: 6, message: expect.stringContaining("nothing reaches the hook") },
  ]);
});

test("with allow_unknown_types a hook may wait for any type and read any metadata", async () => {
  const text = `allow_unknown_types: true\n${withHook("events: [databricks.done]", 'line: "${metadata.x}"')}`;

  const { options, warnings } = await loadText(text);

  expect(options.hooks).toHaveLength(1);
  expect(warnings).toEqual([]);
});

test("Pipehooks' own events can be asked for", async () => {
  expect(await problemsOf(withHook("events: [pipehooks.delivery.dead]"))).toEqual([]);
});

test("metadata that a declared type does not name is doubtful while its schema is open", async () => {
  const text = `event_types:
  data.check: { metadata: { type: object, properties: { rows: {} } } }
${withHook("events: [data.check]", 'line: "${metadata.row}"')}`;

  const { warnings } = await loadText(text);

  expect(warnings).toMatchObject([{ line: 11, column: 14, suggestion: "${metadata.rows}" }]);
});

test("a byte order mark is no part of the file", async () => {
  const { storeUrl } = await loadText("\uFEFFstore: memory:\n");
  const [problem] = await problemsOf("\uFEFFvresion: 1\n");

  expect(storeUrl).toBe("memory:");
  expect(problem).toMatchObject({ line: 1, column: 1, sourceLine: "vresion: 1" });
});

test.for([
  ["Latin-1", Buffer.from("version: 1\nsource: /caf\u00e9\n", "latin1"), "2:13"],
  ["UTF-16", Buffer.from("\uFEFFversion: 1\n", "utf16le"), "1:1"],
] as const)(
  "a file in %s is refused with the place of the first byte",
  async ([, bytes, place]) => {
    const folder = folderWith({});
    writeFileSync(join(folder, "pipehooks.yaml"), bytes);

    const loading = loadConfig({ cwd: folder, env: {} });

    await expect(loading).rejects.toThrow(`pipehooks.yaml:${place}: The file is not in UTF-8`);
  },
);

test("a folder where the file should be is named as one", async () => {
  const folder = folderWith({ "pipehooks.yaml/x": "" });

  await expect(loadConfig({ cwd: folder })).rejects.toThrow("cannot be read: it is a folder.");
});

test("there is an error that says what to do when no file is found", async () => {
  const folder = folderWith({});

  await expect(loadConfig({ cwd: folder })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining('"pipehooks init"'),
  });
  await expect(loadConfig({ cwd: folder, file: "none.yaml" })).rejects.toThrow(
    `${join(folder, "none.yaml")} cannot be read: it does not exist.`,
  );
});
