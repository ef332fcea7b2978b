import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Receiver, startReceiver } from "./receiver.ts";
import { type Ended, run } from "./run.ts";

// The command is published as a bundle, which no other test runs: here it does each thing for which it loads something
// that the bundle leaves out, splits off or may hold twice.

/** The commands of a `pipehooks` that was installed into a folder, on files and a receiver of its own, with some Node. */
export async function checkPackedCommand(installed: string, node: string): Promise<void> {
  const folder = await mkdtemp(join(installed, "on-"));
  const bin = join(installed, "node_modules/pipehooks/dist/bin.js");
  const pipehooks = createRunner(folder, { node, bin });
  await pipehooks.well("init");
  const receiver = await startReceiver();
  try {
    await writeFiles(folder, receiver.url);
    await storesAndDelivers(pipehooks, receiver, join(folder, "notes.txt"));
    await findsWhatIsWrong(pipehooks, folder);
    await readsTypeScript(pipehooks);
  } finally {
    receiver.server.close();
  }
}

interface Runner {
  run(...args: readonly string[]): Promise<Ended>;
  /** Runs a command that has to end well; answers its stdout. */
  well(...args: readonly string[]): Promise<string>;
}

async function storesAndDelivers(
  pipehooks: Runner,
  { requests }: Receiver,
  noteFile: string,
): Promise<void> {
  await pipehooks.well("validate");
  for (const rows of [1, 2, 3]) {
    await pipehooks.well(
      "emit",
      "pipeline.end",
      "--pipeline",
      "orders",
      "--metadata",
      `rows=${rows}`,
    );
  }
  await pipehooks.well("emit", "data.checked", "--metadata", "rows=4");
  await pipehooks.well("emit", "pipeline.start", "--pipeline", "orders");
  const refused = await pipehooks.run("emit", "data.checked", "--metadata", "rows=many");
  expect(!refused.ok && refused.output.includes("rows: must be integer"), refused.output);

  // One delivery dies at its first attempt: an error of another copy of core is known for what it is.
  const delivered = await pipehooks.run("deliver", "--json");
  const tally = JSON.parse(delivered.stdout || "{}");
  expect(tally.delivered === 3 && tally.dead === 1 && tally.retrying === 0, delivered.output);
  expect(requests.length === 2, `the receiver got ${JSON.stringify(requests)}`);
  const notes = await readFile(noteFile, "utf8");
  expect(notes === "data.checked\n", `the local plugin wrote ${notes}`);
  const dead = await pipehooks.well("deliveries", "--state", "dead", "--json");
  expect(dead.includes(`"attempts":1,"reason":"It wants none of it."`), dead);

  await pipehooks.well("emit", "pipeline.end", "--metadata", "rows=9", "--wait");
  expect(requests.length === 3, `the receiver got ${JSON.stringify(requests)}`);
  await pipehooks.well("run", "--pipeline", "orders", "--", process.execPath, "--eval", "0");
  const types = await pipehooks.well("events", "--json");
  expect(types.split("\n").filter((line) => line.includes('"pipeline.start"')).length === 2, types);
}

async function findsWhatIsWrong(pipehooks: Runner, folder: string): Promise<void> {
  const file = join(folder, "wrong.yaml");
  await writeFile(file, "version: 1\nevent_types: { a.b: { metadata: { type: objekt } } }\n");
  const { ok, output } = await pipehooks.run("validate", "--config", file);
  expect(!ok && output.includes("wrong.yaml:2") && output.includes("object"), output);
}

async function readsTypeScript(pipehooks: Runner): Promise<void> {
  await pipehooks.well("validate", "--config", "typescript/pipehooks.config.ts");
  const plugins = await pipehooks.well("plugins");
  for (const name of ["@pipehooks/webhook", "note", "packaged"]) {
    expect(plugins.includes(name), plugins);
  }
  JSON.parse(await pipehooks.well("schema"));
}

async function writeFiles(folder: string, url: string): Promise<void> {
  const manifest = { name: "packaged", version: "1.0.0", type: "module", exports: "./index.js" };
  const files = {
    "pipehooks.yaml": `version: 1
plugins: [./note.ts, packaged]
event_types:
  data.checked:
    metadata: { type: object, required: [rows], properties: { rows: { type: integer } } }
hooks:
  - name: post
    kind: webhook
    events: pipeline.end
    when: event.metadata.rows > 1
    options: { url: "${url}", allow_private: true }
  - name: note
    kind: note
    events: data.*
    options: { file: notes.txt }
  - name: refused
    kind: refusing
    events: pipeline.start
`,
    "note.ts": `import { appendFileSync } from "node:fs";
import { defineHook } from "@pipehooks/core";
import { z } from "zod";

export default defineHook({
  name: "note",
  options: z.strictObject({ file: z.string() }),
  create: ({ file }: { file: string }) => ({
    deliver: ({ event }) => appendFileSync(file, event.type + "\\n"),
  }),
});
`,
    "node_modules/packaged/package.json": JSON.stringify(manifest),
    "node_modules/packaged/index.js": `import { defineHook, definePlugin, HookError } from "@pipehooks/core";
import { z } from "zod";

const refusing = defineHook({
  name: "refusing",
  options: z.strictObject({}),
  create: () => ({
    deliver() {
      throw new HookError("RECEIVER_REFUSED", "It wants none of it.");
    },
  }),
});
export default definePlugin({ name: "packaged", version: "1.0.0", core: "*", hooks: [refusing] });
`,
    "typescript/pipehooks.config.ts": `import { defineConfig } from "@pipehooks/config";
import { webhook } from "@pipehooks/webhook";

export default defineConfig({
  hooks: [{ name: "post", events: "*", hook: webhook({ url: "https://example.com/events" }) }],
});
`,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

function createRunner(folder: string, { node, bin }: Record<"node" | "bin", string>): Runner {
  const start = (...args: readonly string[]) =>
    run(node, [bin, ...args], { cwd: folder, timeout: 60_000 });
  return {
    run: start,
    async well(...args) {
      const { ok, output, stdout } = await start(...args);
      const said = `on Node at ${node}, pipehooks ${args.join(" ")}\n${output}`;
      expect(ok && !output.includes("Warning"), said);
      return stdout;
    },
  };
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(`The packed command is wrong: ${otherwise}`);
}
