import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createHttpReceiver } from "@pipehooks/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFolder, type Folder, linesOf } from "./command.ts";

const old = (url: string) => `version: 1
source: /tests
hooks:
  - name: ops
    kind: webhook
    events: pipeline.*
    options: { url: "${url}", allow_private: true }
  - name: gone
    kind: webhook
    events: pipeline.error
    options: { url: "${url}", allow_private: true }
  - name: dead-letters
    kind: webhook
    events: pipehooks.delivery.dead
    options: { url: "${url}", allow_private: true }
`;
/** What the command prints with `--json` of a hook. */
interface Row {
  readonly hook: string;
  readonly deliveries: { readonly was: number; readonly would: number };
  readonly events: Readonly<Record<"same" | "new" | "gone" | "gathering", readonly string[]>>;
}

let folder: Folder;
let calls = 0;
const open: AsyncDisposable[] = [];

/** Four events in the store: delivered to `ops` but for one that died. */
beforeAll(async () => {
  const receiver = await createHttpReceiver({
    respond: ({ text }) => {
      calls += 1;
      return text.includes('"bad"') ? 400 : 200;
    },
  });
  folder = await createFolder(old(receiver.url));
  open.push(receiver, folder);
  const event = (id: string, type: string, pipeline: string) =>
    JSON.stringify({ id, type, pipeline });
  const input = [
    event("one", "pipeline.end", "prod_a"),
    event("two", "pipeline.end", "dev_b"),
    event("bad", "pipeline.error", "prod_a"),
    event("none", "table.created", "prod_a"),
  ].join("\n");
  await folder.run(["emit", "--stdin"], { input });
  await folder.run(["deliver"]);
});

afterAll(async () => {
  for (const each of open) await each[Symbol.asyncDispose]();
});

const changed = (more: string, store = "") => `version: 1
${store}
hooks:
  - name: ops
    kind: webhook
    events: pipeline.*
    filter: { pipelines: [prod_*] }
    options: { url: "\${env:PIPEHOOKS_TEST_NO_URL}" }
${more}`;

async function compare(...args: readonly string[]) {
  const lines = await folder.json(["replay", "--dry-run", "--since", "1h", ...args]);
  const summary = lines.at(-1) as { summary: { events: number; refused: readonly object[] } };
  return { rows: lines.slice(0, -1) as unknown as readonly Row[], ...summary };
}

test("a changed configuration is compared with what was, hook by hook and event by event", async () => {
  await folder.write(
    "changed.yaml",
    changed(`  - name: tables
    kind: webhook
    events: table.created
    options: { url: https://example.com/ }
`),
  );

  const { rows, summary } = await compare("--config", "changed.yaml");

  expect(rows).toEqual([
    {
      hook: "ops",
      deliveries: { was: 3, would: 2 },
      events: { same: ["one", "bad"], new: [], gone: ["two"], gathering: [] },
    },
    {
      hook: "tables",
      deliveries: { was: 0, would: 1 },
      events: { same: [], new: ["none"], gone: [], gathering: [] },
    },
    {
      hook: "gone",
      deliveries: { was: 1, would: 0 },
      events: { same: [], new: [], gone: ["bad"], gathering: [] },
    },
  ]);
  expect(summary).toEqual({ events: 4, refused: [] });
});

test("for people it is a table and the ids of what changes", async () => {
  await folder.write("changed.yaml", changed(""));

  const { status, stdout, stderr } = await folder.run([
    "replay",
    "--dry-run",
    "--config",
    "changed.yaml",
    "--since",
    "1h",
  ]);

  expect(status).toBe(0);
  expect(linesOf(stdout)).toEqual([
    "HOOK  DELIVERIES  WOULD BE  EVENTS SAME  NEW  GONE",
    "ops   3           2         2            0    1",
    "gone  1           0         0            0    1",
    "ops: gone: two",
    "gone: gone: bad",
  ]);
  expect(stderr).toMatch(
    /^4 events since \d{4}-.*Z from sqlite:.*, as changed\.yaml would take them\. Nothing was sent or stored\.\n$/,
  );
});

test("gates run in the events' own time: what was two messages is one, and what they still hold is told", async () => {
  await folder.write(
    "gated.yaml",
    changed(`    digest: { by: pipeline, every: 1s }
  - name: later
    kind: webhook
    events: pipeline.end
    debounce: { wait: 1h }
    options: { url: https://example.com/ }
`),
  );
  await new Promise((resolve) => setTimeout(resolve, 1100));

  const { rows } = await compare("--config", "gated.yaml");

  expect(rows[0]).toMatchObject({
    hook: "ops",
    deliveries: { was: 3, would: 1 },
    events: { same: ["one", "bad"], gone: ["two"] },
  });
  expect(rows[1]).toMatchObject({
    hook: "later",
    deliveries: { was: 0, would: 0 },
    events: { gathering: ["one", "two"], gone: [] },
  });
});

test("--hook, --until and --store choose what is compared", async () => {
  await folder.write("elsewhere.yaml", changed("", "store: sqlite:elsewhere.db"));
  const store = ["--store", "sqlite:.pipehooks/pipehooks.db"];

  const [one, none, elsewhere, unknown, memory] = await Promise.all([
    compare("--config", "elsewhere.yaml", ...store, "--hook", "ops"),
    compare("--config", "elsewhere.yaml", ...store, "--until", "30m"),
    folder.run(["replay", "--dry-run", "--config", "elsewhere.yaml", "--since", "1h"]),
    folder.run([
      "replay",
      "--dry-run",
      "--config",
      "elsewhere.yaml",
      "--since",
      "1h",
      ...store,
      "--hook",
      "opps",
    ]),
    folder.run([
      "replay",
      "--dry-run",
      "--config",
      "elsewhere.yaml",
      "--since",
      "1h",
      "--store",
      "memory:",
    ]),
  ]);

  expect(one.rows.map(({ hook }) => hook)).toEqual(["ops"]);
  expect(none.summary).toEqual({ events: 0, refused: [] });
  expect(elsewhere.status).toBe(2);
  expect(elsewhere.stderr).toContain("There is no store elsewhere.db.");
  expect(await readdir(folder.path)).not.toContain("elsewhere.db");
  expect(unknown.stderr).toContain('No hook is called "opps"');
  expect(memory).toMatchObject({ status: 2, stdout: "" });
});

test("events that the changed configuration does not take are told as refused", async () => {
  await folder.write("small.yaml", changed("", "max_event_size: 100B"));

  const { summary } = await compare(
    "--config",
    "small.yaml",
    "--store",
    "sqlite:.pipehooks/pipehooks.db",
  );

  expect(summary.events).toBe(0);
  expect(summary.refused).toHaveLength(4);
  expect(summary.refused[0]).toMatchObject({
    id: "one",
    type: "pipeline.end",
    reason: expect.stringContaining("bytes"),
  });
});

test("it sends nothing and stores nothing", async () => {
  await folder.write("changed.yaml", changed(""));
  const states = () => folder.json(["deliveries"]);
  const [before, sent] = [await states(), calls];
  const data = await hashOf(join(folder.path, ".pipehooks/pipehooks.db"));

  await compare("--config", "changed.yaml");

  expect(await states()).toEqual(before);
  expect(calls).toBe(sent);
  expect(await hashOf(join(folder.path, ".pipehooks/pipehooks.db"))).toBe(data);
});

test("with ids or a state it lists what would be replayed, as ever", async () => {
  const config = ["--config", "pipehooks.yaml"];
  const list = async (...args: string[]) =>
    (await folder.json(["replay", "--dry-run", ...args])).map(({ id }) => id);

  const dead = await list(...config, "--since", "1h", "--state", "dead");
  expect(dead.slice(0, 2)).toEqual(["dlv_3", "dlv_4"]);
  expect(await list("--since", "1h", "--hook", "ops")).toEqual(["dlv_3"]);
  expect(await list(...config, "bad", "--since", "1h", "--hook", "gone")).toEqual(["dlv_4"]);
});

test("what says nothing to a comparison is refused", async () => {
  const run = (...args: string[]) => folder.run(["replay", "--dry-run", ...args]);

  const [rate, store] = await Promise.all([
    run("--config", "pipehooks.yaml", "--since", "1h", "--rate", "1/1s"),
    run("--since", "1h", "--store", "memory:"),
  ]);

  expect(rate.stderr).toContain("leave out --rate and --wait");
  expect(store.stderr).toContain("--store is what a comparison reads");
  expect([rate.status, store.status]).toEqual([2, 2]);
});

async function hashOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}
