import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { createFolder, linesOf } from "./command.ts";

const core = import.meta.resolve("@pipehooks/core");

/** Hooks that write down what they deliver; for one event they kill the process that tries it. */
const plugin = `import { appendFileSync } from "node:fs";
import { createBatchHook, defineHook, definePlugin } from "${core}";
const options = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
async function note(events) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (events.some(({ pipeline }) => pipeline === "deadly")) process.kill(process.pid, "SIGKILL");
  for (const { id } of events) appendFileSync(new URL("./delivered.txt", import.meta.url), id + "\\n");
}
const single = defineHook({ name: "single", options, create: () => ({ deliver: ({ event }) => note([event]) }) });
const batching = defineHook({
  name: "batching",
  options,
  batch: { maxCount: 10, maxBytes: 10, lingerMs: 20 },
  create: () => createBatchHook({
    record: ({ event }) => ({ value: event, bytes: 1 }),
    send: (records) => note(records.map(({ value }) => value)),
  }),
});
export default definePlugin({ name: "deadly", version: "1.0.0", core: "*", hooks: [single, batching] });
`;

test.concurrent.for(["single", "batching"])(
  "a delivery of a hook (%s) that kills every process that tries it is given up, and all others arrive",
  async (kind, { expect }) => {
    await using folder = await createFolder(`version: 1
plugins: [./deadly.mjs]
hooks: [{ name: one, kind: ${kind}, events: "*", retry: { base: 10ms } }]
`);
    await folder.write("deadly.mjs", plugin);
    const events = Array.from({ length: 30 }, (_, n) => ({
      type: "pipeline.end",
      id: `e${n}`,
      pipeline: n === 3 ? "deadly" : "orders",
    }));
    const input = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    await folder.run(["emit", "--stdin", "--quiet"], { input });

    let killed = 0;
    for (let tries = 0; tries < 20; tries += 1) {
      const delivered = await folder.run(["deliver", "--for", "3s", "--quiet"]);
      if (delivered.signal === null) break;
      killed += 1;
    }

    expect(killed).toBe(5);
    const arrived = linesOf(await readFile(join(folder.path, "delivered.txt"), "utf8"));
    const expected = events.filter(({ pipeline }) => pipeline !== "deadly").map(({ id }) => id);
    expect(new Set(arrived)).toEqual(new Set(expected));
    const dead = await folder.json(["deliveries", "--state", "dead"]);
    expect(dead).toMatchObject([{ eventId: "e3", reason: expect.stringMatching("5 times") }]);
    const [shown] = await folder.json<{ deliveries: unknown[] }>(["show", "dlv_4"]);
    expect(JSON.stringify(shown).match(/ATTEMPT_LOST/g)).toHaveLength(5);
    const [hook] = await folder.json(["hooks"]);
    expect(hook).toMatchObject({ counts: { delivered: 29, dead: 1 } });
  },
);

test.concurrent("what a hook throws where nobody can tell whose it is counts against what was under way, too", async ({
  expect,
}) => {
  await using folder = await createFolder(`version: 1
plugins: [./deadly.mjs]
hooks: [{ name: one, kind: emitting, events: "*", retry: { base: 10ms } }]
`);
  await folder.write(
    "deadly.mjs",
    `import { AsyncLocalStorage } from "node:async_hooks";
import { defineHook } from "${core}";
const options = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
// As a connection that was opened before there was any hook.
const outside = AsyncLocalStorage.snapshot();
const explode = () => { throw new Error("connection reset"); };
export default defineHook({ name: "emitting", options, create: () => ({
  deliver: () => new Promise(() => outside(() => setTimeout(explode, 20))),
}) });
`,
  );
  await folder.run(["emit", "pipeline.end", "--quiet"]);

  const ended = [];
  for (let tries = 0; tries < 10; tries += 1) {
    const { status, stderr } = await folder.run(["deliver", "--for", "3s", "--quiet"]);
    if (!stderr.includes("connection reset")) break;
    ended.push(status);
  }

  expect(ended).toEqual([1, 1, 1, 1, 1]);
  const dead = await folder.json(["deliveries", "--state", "dead"]);
  expect(dead).toMatchObject([{ reason: expect.stringMatching("5 times") }]);
});
