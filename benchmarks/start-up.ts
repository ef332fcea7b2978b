import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "./measuring/comparison.ts";
import { makeFolder } from "./measuring/folder.ts";
import { compare } from "./measuring/measure.ts";

const root = join(import.meta.dirname, "..");
const packages = ["core", "sqlite", "config", "plugins/webhook", "cli"];
const runs = 5;

/** Milliseconds of a whole process, the median of some runs. */
function timeOf(words: readonly string[], cwd: string): number {
  const times = Array.from({ length: runs }, () => {
    const startedAt = performance.now();
    const { status, stderr } = spawnSync(process.execPath, words, { cwd });
    if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}: ${stderr}`);
    return performance.now() - startedAt;
  });
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? Number.NaN;
}

/** The command as npm installs it: built, packed, in a folder of its own. */
function install(): { readonly folder: string; readonly bin: string; remove(): void } {
  const made = makeFolder("start-up");
  const tarballs = join(made.path, "tarballs");
  const app = join(made.path, "app");
  mkdirSync(tarballs);
  mkdirSync(app);
  const pnpm = ["--yes", "pnpm@12.21.0", "--silent"];
  execFileSync("npx", [...pnpm, "build"], { cwd: root, stdio: "ignore" });
  for (const name of packages) {
    execFileSync("npx", [...pnpm, "pack", "--pack-destination", tarballs], {
      cwd: join(root, "packages", name),
      stdio: "ignore",
    });
  }
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  writeFileSync(join(app, "package.json"), '{ "private": true }');
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", ...files], { cwd: app });
  writeFileSync(
    join(app, "pipehooks.yaml"),
    `version: 1
hooks:
  - { name: ops, kind: webhook, events: "pipeline.*", options: { url: "https://api.example.com" } }
`,
  );
  return { folder: app, bin: join(app, "node_modules/pipehooks/dist/bin.js"), remove: made.remove };
}

function command(role: Contender["role"], ...words: readonly string[]): Contender {
  return {
    role,
    open() {
      const { folder, bin, remove } = install();
      return { measure: () => timeOf([bin, ...words], folder), close: remove };
    },
  };
}

await compare({
  title: "Start-up: the whole process, from the packed and installed command",
  starts: 1,
  measures: [{ name: "wall time", unit: "ms" }],
  contenders: {
    "pipehooks emit pipeline.end": command("ours", "emit", "pipeline.end", "--quiet"),
    "pipehooks --version": command("other", "--version"),
    "node -e 0": { role: "limit", open: () => ({ measure: () => timeOf(["-e", "0"], root) }) },
  },
  goals: [
    {
      text: "emit takes at most 5 times as long as bare Node",
      of: "pipehooks emit pipeline.end",
      by: "node -e 0",
      atMost: 5,
    },
  ],
});
