import { execFile } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { folderWith } from "./workspace.ts";

const own = fileURLToPath(new URL("..", import.meta.url));

/** What loading a file says where none of the official plugins is installed: here, in the workspace, all of them are. */
async function loadElsewhere(text: string) {
  const folder = folderWith({ "pipehooks.yaml": text });
  cpSync(join(own, "src"), join(folder, "config/src"), { recursive: true });
  cpSync(join(own, "package.json"), join(folder, "config/package.json"));
  symlinkSync(join(own, "node_modules"), join(folder, "config/node_modules"));
  const program = `
    const { isConfigError, loadConfig } = await import("./config/src/index.ts");
    try {
      const { options, warnings } = await loadConfig({ file: "pipehooks.yaml", env: {} });
      console.log(JSON.stringify({ problems: [], warnings, hooks: options.hooks }));
    } catch (error) {
      if (!isConfigError(error)) throw error;
      console.log(JSON.stringify({ problems: error.problems, warnings: [], hooks: [] }));
    }
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: folder },
  );
  return JSON.parse(stdout) as { problems: unknown[]; warnings: unknown[]; hooks: unknown[] };
}

const withKind = (kind: string, more = "") => `version: 1
hooks:
  - name: mine
    kind: ${kind}
    events: pipeline.end
${more}`;

test.for([
  ["webhook", "npm install @pipehooks/webhook"],
  ["email", "npm install @pipehooks/email"],
  ["cloud-logging", "npm install @pipehooks/cloud-logging"],
] as const)("the kind %s names the package that it needs", async ([kind, command]) => {
  const { problems } = await loadElsewhere(withKind(kind));

  expect(problems).toMatchObject([
    { line: 4, column: 11, code: "PACKAGE_MISSING", message: expect.stringContaining(command) },
  ]);
});

test("the lakehouse-plumber form names it, too", async () => {
  const { problems } = await loadElsewhere(
    'plugins:\n  config:\n    event_hooks:\n      email: { events: ["pipeline.end"] }\n',
  );

  expect(problems).toMatchObject([
    {
      line: 4,
      column: 7,
      code: "PACKAGE_MISSING",
      message: expect.stringContaining("npm install @pipehooks/email"),
    },
  ]);
});

test("a hook that is off and whose kind is not installed is left out with a warning", async () => {
  const { problems, warnings, hooks } = await loadElsewhere(
    withKind("email", "    enabled: false\n"),
  );

  expect(problems).toEqual([]);
  expect(hooks).toEqual([]);
  expect(warnings).toMatchObject([{ line: 4, column: 11, code: "PACKAGE_MISSING" }]);
});
