import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Names of a configuration file, in the order in which they are looked for in one folder. */
export const configFileNames: readonly string[] = [
  "pipehooks.yaml",
  "pipehooks.yml",
  "pipehooks.config.ts",
];

/** The configuration file of a folder: in it or in the nearest folder above; undefined when there is none. */
export function findConfig(startDir: string = process.cwd()): string | undefined {
  for (let folder = resolve(startDir); ; folder = dirname(folder)) {
    const found = configFileNames
      .map((name) => join(folder, name))
      .find((file) => existsSync(file));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return undefined;
  }
}
