import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolder } from "./command.ts";
import { testFile } from "./route-tests.ts";

const config = (plugin: string) => `version: 1
plugins: [./${plugin}]
hooks:
  - { name: ops, kind: own, events: pipeline.end }
`;
const plugin = (body: string) => `const kind = {
  name: "own",
  options: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
  create: () => ({ deliver() {}, render: () => ({ target: "own", body: ${JSON.stringify(body)} }) }),
};
export default Object.assign((options) => ({ kind, options }), { kind });
`;
const expects = (body: string) =>
  testFile("emit: { type: pipeline.end, pipeline: a }", `expect: { hook: ops, rendered: ${body} }`);

test("pipehooks test runs as a process: its status, and nothing of a store is left", async () => {
  await using folder = await createFolder(config("own.mjs"));
  await folder.write("own.mjs", plugin("one"));
  await folder.write("a.test.yaml", expects("one"));

  const good = await folder.run(["test"]);
  const store = await folder.run(["test", "--filter", "it"]);
  await folder.write("a.test.yaml", expects("two"));
  const bad = await folder.run(["test", "a.test.yaml"]);

  expect(good).toMatchObject({ status: 0, stderr: "" });
  expect(good.stdout).toMatch(/^a\.test\.yaml\n {2}✓ it \(.*\)\n\n1 test passed, in /);
  expect(store.status).toBe(0);
  expect(bad.status).toBe(1);
  expect(bad.stdout).toContain("a.test.yaml:5:9: expect: ");
  await expect(rm(join(folder.path, ".pipehooks"))).rejects.toThrow("ENOENT");
});

test("--watch runs again when a test, the configuration, a local plugin or the list of files changes, until SIGINT", async () => {
  await using folder = await createFolder(config("own.mjs"));
  await folder.write("own.mjs", plugin("one"));
  await folder.write("other.mjs", plugin("three"));
  await folder.write("a.test.yaml", expects("one"));
  const { child, ended, said } = folder.start(["test", "--watch"]);
  /** Resolves after the next run that ends so. */
  const next = (runs: number, last: RegExp) =>
    said(new RegExp(`(?:tests? passed[\\s\\S]*){${runs - 1}}${last.source}[\\s\\S]*`));

  await said(/Watching 3 files/);
  await next(1, /1 test passed, in/);
  await folder.write("own.mjs", plugin("two"));
  await next(2, /0 tests passed, 1 failed/);
  await folder.write("a.test.yaml", expects("two"));
  await next(3, /1 test passed, in/);
  await folder.write("pipehooks.yaml", config("other.mjs"));
  await next(4, /0 tests passed, 1 failed/);
  await folder.write("pipehooks.yaml", "version: 1\nhoks: []\n");
  await said(/has no key "hoks"/);
  await folder.write("pipehooks.yaml", config("other.mjs"));
  await folder.write("b.test.yaml", expects("three"));
  await said(/1 test passed, 1 failed/);
  child.kill("SIGINT");

  expect(await ended).toMatchObject({ status: 0, signal: null });
});

test("--watch is for people", async () => {
  await using folder = await createFolder(config("own.mjs"));

  const { status, stderr } = await folder.run(["test", "--watch", "--json"]);

  expect(status).toBe(2);
  expect(stderr).toContain("--watch is for people: leave out --json and --junit.");
});
