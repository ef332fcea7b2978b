import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const execute = promisify(execFile);
const example = fileURLToPath(new URL("..", import.meta.url));
const root = join(example, "../..");
const core = join(root, "packages/core");
const tsc = join(root, "node_modules/.bin/tsc");

test("a copy with the tsconfig.json and the packages of the README builds, and is a plugin", async () => {
  const readme = await readFile(join(example, "README.md"), "utf8");
  const [, config = ""] = /```json\n(.*?)```/s.exec(readme) ?? [];
  const [, named = ""] = /npm install --save-dev (.+)/.exec(readme) ?? [];
  const copy = await realpath(await mkdtemp(join(tmpdir(), "pipehooks-stands-alone-")));
  onTestFinished(() => rm(copy, { recursive: true }));
  await cp(join(example, "src"), join(copy, "src"), { recursive: true });
  await cp(join(example, "package.json"), join(copy, "package.json"));
  await writeFile(join(copy, "tsconfig.json"), config);
  for (const name of [...named.split(" "), "zod"]) {
    await link(join(root, "node_modules", name), join(copy, "node_modules", name));
  }
  await publishCore(join(copy, "node_modules/@pipehooks/core"));

  const said = await execute(tsc, ["-p", copy, "--pretty", "false"]).catch((failed) => failed);
  const { default: plugin } = await import(pathToFileURL(join(copy, "dist/index.js")).href);

  expect(said.stdout).toBe("");
  expect(plugin).toMatchObject({ name: "@pipehooks/example-custom-hook-package" });
});

/** Core as whoever installs it has it: declarations and JavaScript, and what it depends on. */
async function publishCore(target: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(core, "package.json"), "utf8"));
  await execute(tsc, [
    "-p",
    core,
    "--outDir",
    join(target, "dist"),
    "--incremental",
    "false",
    "--composite",
    "false",
  ]);
  await cp(join(core, "src/at-once.cjs"), join(target, "dist/at-once.cjs"));
  await writeFile(
    join(target, "package.json"),
    JSON.stringify({ ...manifest, exports: manifest.publishConfig.exports }),
  );
  for (const name of Object.keys(manifest.dependencies)) {
    await link(join(core, "node_modules", name), join(target, "node_modules", name));
  }
}

async function link(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await symlink(await realpath(from), to);
}
