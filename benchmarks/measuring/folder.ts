import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const data = fileURLToPath(new URL("../.data", import.meta.url));

/** A folder for one store or server, beside the benchmarks: a system's temporary folder may be in memory. */
export function makeFolder(name: string): { readonly path: string; remove(): void } {
  mkdirSync(data, { recursive: true });
  const path = mkdtempSync(join(data, `${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
