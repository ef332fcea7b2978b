import { startVitest } from "vitest/node";
import { run } from "./run.ts";

// Everything that must hold before a change is done. The last line counts the tests, and each other step as one.
const counts = { passed: 0, failed: 0, skipped: 0 };

await step("check");
await step("typecheck");
await step("build");
await tests();
await step("test:pack");

const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;

async function step(script: string): Promise<void> {
  const startedAt = performance.now();
  const { ok, output } = await run("pnpm", ["--silent", "run", script]);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  counts[ok ? "passed" : "failed"] += 1;
  console.log(`${ok ? "✓" : "✗"} pnpm ${script} (${seconds} s)`);
  if (!ok) console.log(output);
  for (const line of ok ? output.split("\n") : []) if (isSkip(line)) report(line);
}

async function tests(): Promise<void> {
  const vitest = await startVitest([], { watch: false, reporters: ["default"] });
  const failedBefore = counts.failed;
  for (const module of vitest.state.getTestModules()) {
    if (module.state() === "failed" && module.errors().length > 0) counts.failed += 1;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed" || result.state === "failed") counts[result.state] += 1;
      if (result.state === "skipped") report(skipLine(test.fullName, result.note));
    }
  }
  // An error outside any test (an unhandled rejection, no test found) fails the run as well.
  if (process.exitCode !== undefined && process.exitCode !== 0 && counts.failed === failedBefore) {
    counts.failed += 1;
  }
  await vitest.close();
}

function report(skip: string): void {
  counts.skipped += 1;
  console.log(`  ${skip}`);
}

function isSkip(line: string): boolean {
  return line.startsWith("SKIPPED ");
}

function skipLine(name: string, note: string | undefined): string {
  return `SKIPPED ${name}${note === undefined ? "" : `: ${note}`}`;
}
