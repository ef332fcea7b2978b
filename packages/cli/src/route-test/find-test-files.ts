import { type Dirent, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findConfig } from "@pipehooks/config";
import { UsageError } from "../usage-error.ts";

const namePattern = /\.test\.ya?ml$/;

/** What is to be tested: what is named, or all below the folder of the configuration. */
export function testFilesOf(
  operands: readonly string[],
  config: string | undefined,
): readonly string[] {
  const places = placesOf(operands, config);
  const missing = places.find((place) => statSync(place, { throwIfNoEntry: false }) === undefined);
  if (missing !== undefined) throw new UsageError(`${missing} does not exist.`);
  const files = listTestFiles(operands, config);
  if (files.length > 0) return files;
  throw new UsageError(`There is no *.test.yaml or *.test.yml in ${places.join(", ")} or below.`);
}

/** The same, without a word about what is not there. */
export function listTestFiles(
  operands: readonly string[],
  config: string | undefined,
): readonly string[] {
  return findFiles(placesOf(operands, config));
}

function placesOf(operands: readonly string[], config: string | undefined): readonly string[] {
  if (operands.length > 0) return operands;
  const found = config === undefined ? findConfig() : resolve(config);
  return [found === undefined ? process.cwd() : dirname(found)];
}

/** Files as named; of a folder those in it and below that are called `*.test.yaml` or `*.test.yml`. */
function findFiles(places: readonly string[]): readonly string[] {
  const found = places.flatMap((place) => {
    const path = resolve(place);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return stats.isDirectory() ? filesBelow(path) : [path];
  });
  return [...new Set(found)];
}

// What others installed, what tools keep to themselves, and what we may not read, holds no tests of ours.
function filesBelow(folder: string): readonly string[] {
  return entriesOf(folder)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        return entry.name === "node_modules" || entry.name.startsWith(".") ? [] : filesBelow(path);
      }
      return namePattern.test(entry.name) ? [path] : [];
    });
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const code = Reflect.get(Object(error), "code");
    if (code === "EACCES" || code === "EPERM") return [];
    throw error;
  }
}
