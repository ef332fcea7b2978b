import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DbtCoreOptions } from "@pipehooks/dbt";

/** The stand-in for dbt, as a program with a leading argument. */
export const program: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL("./fixtures/dbt.mjs", import.meta.url)),
];

export interface Call {
  readonly args?: readonly string[];
  readonly pid?: number;
  readonly at?: number;
  readonly env?: string | null;
  readonly interrupted?: boolean;
  readonly ended?: boolean;
}

/** A project of dbt in a folder of its own, with the stand-in that ends as `plan` says. */
export interface Project extends Disposable {
  readonly folder: string;
  options(plan?: object, more?: Partial<DbtCoreOptions>): DbtCoreOptions;
  calls(): readonly Call[];
  /** The arguments of each command. */
  commands(): readonly (readonly string[])[];
}

export function createProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), "pipehooks-dbt-"));
  writeFileSync(join(folder, "dbt_project.yml"), "name: shop\n");
  let plans = 0;
  const calls = (): readonly Call[] => {
    try {
      const text = readFileSync(join(folder, "calls.ndjson"), "utf8");
      return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  };
  return {
    folder,
    options(plan = {}, more = {}) {
      plans += 1;
      const file = join(folder, `plan-${plans}.json`);
      writeFileSync(file, JSON.stringify(plan));
      return { projectDir: folder, program, ...more, env: { FAKE_DBT: file, ...more.env } };
    },
    calls,
    commands: () => calls().flatMap(({ args }) => (args === undefined ? [] : [args])),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
