import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const pathTo = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** Before all tests, in the process that starts theirs. */
export default function setup(): void {
  // Programs and threads are started some thousand times, and read the same files each time.
  process.env.NODE_COMPILE_CACHE ??= pathTo("node_modules/.cache/compiled");
  // Tests of the command run the bundle that is published, made anew: from its source each start takes three times as long.
  const build = pathTo("packages/cli/build.ts");
  execFileSync(process.execPath, [build], { stdio: ["ignore", "ignore", "inherit"] });
}
