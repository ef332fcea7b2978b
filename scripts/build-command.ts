import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Tests of the command run the bundle that is published, made anew before each run: they start it some hundred times, and
 * from its source each start takes three times as long.
 */
export default function setup(): void {
  const build = fileURLToPath(new URL("../packages/cli/build.ts", import.meta.url));
  execFileSync(process.execPath, [build], { stdio: ["ignore", "ignore", "inherit"] });
}
