import { readFileSync } from "node:fs";

/** Of this package, and of the core it was made with: they are released together. */
export const version: string = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
).version;
