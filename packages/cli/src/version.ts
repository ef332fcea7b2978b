import { readFileSync } from "node:fs";

/** Of this package and of all of ours that are bundled into it: they are released together. */
export function ownVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
