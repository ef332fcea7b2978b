import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DbtCoreOptions } from "./core-options.ts";
import type { DbtFiles } from "./results.ts";

const names = { runResults: "run_results.json", sources: "sources.json" } as const;
/** Longest file that is read. */
const mostBytes = 64 * 1024 * 1024;

const targetLine =
  /^target-path:[ \t]+(?:"([^"{]+)"|'([^'{]+)'|([^\s"'#{].*?))[ \t]*(?:[ \t]#.*)?$/m;

/** The folder that dbt writes into, by the first of what dbt goes by: its argument, its variable, the project. */
export function targetFolder({ projectDir, targetPath, env }: DbtCoreOptions): string {
  const { DBT_TARGET_PATH } = { ...process.env, ...env };
  // To dbt an empty variable is none.
  const named = targetPath ?? (DBT_TARGET_PATH || targetOfProject(projectDir));
  return resolve(projectDir, named ?? "target");
}

/** `target-path` of the project; undefined where it has none, or one that only dbt can work out. */
function targetOfProject(projectDir: string): string | undefined {
  try {
    const found = targetLine.exec(readFileSync(join(projectDir, "dbt_project.yml"), "utf8"));
    return found?.slice(1).find((text) => text !== undefined);
  } catch {
    return undefined;
  }
}

/** How the files of a target folder are, to tell afterwards which ones a command wrote. */
export type TargetState = Readonly<Record<string, string>>;

export async function stateOfTarget(folder: string): Promise<TargetState> {
  const states = Object.values(names).map(async (name) => [name, await stateOf(folder, name)]);
  return Object.fromEntries(await Promise.all(states));
}

/** What was written since `before`; files of an earlier command are none of this one's. */
export async function readTarget(folder: string, before: TargetState): Promise<DbtFiles> {
  const now = await stateOfTarget(folder);
  const read = (name: string) =>
    now[name] !== "" && now[name] !== before[name] ? readJson(join(folder, name)) : undefined;
  return { runResults: await read(names.runResults), sources: await read(names.sources) };
}

async function stateOf(folder: string, name: string): Promise<string> {
  try {
    const { mtimeNs, size, ino } = await stat(join(folder, name), { bigint: true });
    return size > mostBytes ? "" : `${mtimeNs} ${size} ${ino}`;
  } catch {
    return "";
  }
}

/** Undefined for what is no JSON: dbt was ended while it wrote. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}
