import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { mock } from "node:test";
import { promisify } from "node:util";
import { createPipehooks, type HookFactory } from "@pipehooks/core";
import { createVirtualTime, testHook } from "@pipehooks/testing";
import { describe, expect, it, test, vi } from "vitest";
import { readBlocks, root } from "../../../docs/test/markdown.ts";

const blocks = await readBlocks();

/** The code of a page that has this in it. */
function codeOf(page: string, part: string): string {
  const found = blocks.filter((block) => block.page === page && block.code.includes(part));
  if (found.length !== 1) throw new Error(`${page}: ${found.length} blocks have ${part} in them.`);
  return found[0]?.code ?? "";
}

/** What a block of code exports; with one of vitest, its tests become tests of this file. */
async function run(code: string): Promise<Record<string, unknown>> {
  // Inside the workspace, so that imports resolve as in a project that installed the packages.
  const folder = await mkdtemp(join(import.meta.dirname, ".code-blocks-"));
  try {
    const file = join(folder, "block.ts");
    await writeFile(file, code);
    return await import(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const writing = "docs/writing-a-hook.md";
const { default: push } = await run(codeOf(writing, "toFetchFailure"));

testHook({
  runner: { describe, it },
  // The page exports it; what it is made of is what this is about.
  hook: push as HookFactory<{ topic: string; token: string }>,
  options: ({ url }) => ({ topic: `${url}/data`, token: "not-to-be-seen" }),
  secrets: ["not-to-be-seen"],
  invalid: [{ options: { topic: "nowhere" }, paths: ["topic", "token"] }],
  idempotencyKey: (request) => request.headers["idempotency-key"],
});

test("the template of the page prints what the page says", async () => {
  const code = codeOf(writing, "toTemplateScope");
  const args = ["--input-type=module-typescript", "--eval", code];

  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });

  expect(stdout).toBe("2 runs, the last of customers with 42 rows\n");
});

const plugins = blocks.filter(({ code }) => code.includes("definePlugin({"));
const load = createRequire(join(root, "packages/config/package.json"));
const semver: { satisfies(version: string, range: string): boolean } = load("semver");
const { version: today }: { version: string } = load("../core/package.json");

test.for(plugins)(
  "the plugin of $place works with the core of today and of the first release",
  ({ code }) => {
    const [, range = ""] = /^ {2}core: "(.+)",$/m.exec(code) ?? [];

    for (const version of [today, "0.1.0"]) expect(semver.satisfies(version, range)).toBe(true);
  },
);

describe("docs/testing-a-pipeline.md", async () => {
  await run(codeOf("docs/testing-a-pipeline.md", "vitest"));
});

describe("where tests fake the timers", () => {
  /** Of a bus made while they are. */
  const deliver = async (): Promise<void> => {
    const told: string[] = [];
    const hook = ({ event }: { event: { type: string } }) => void told.push(event.type);
    const hooks = createPipehooks({ hooks: [{ name: "ops", events: "*", hook }] });

    await hooks.pipeline("orders", () => {});
    expect(await hooks.drain()).toBe(true);
    await hooks.close();

    expect(told).toEqual(["pipeline.start", "pipeline.end"]);
  };

  test("emit, drain and close go on under vitest", async () => {
    vi.useFakeTimers();
    try {
      await deliver();
    } finally {
      vi.useRealTimers();
    }
  });

  test("emit, drain and close go on under node:test", async () => {
    mock.timers.enable();
    try {
      await deliver();
    } finally {
      mock.timers.reset();
    }
  });

  test("virtual time goes on where no more than the date is faked", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const { clock, advance } = createVirtualTime();
      const told: number[] = [];
      const hook = ({ count }: { count: number }) => void told.push(count);
      const route = { name: "ops", events: "*", debounce: { wait: "30s" }, hook };
      const hooks = createPipehooks({ clock, hooks: [route] });

      await hooks.pipeline("orders", () => {});
      await advance(30_000);
      await hooks.close();

      expect(told).toEqual([2]);
    } finally {
      vi.useRealTimers();
    }
  });
});
