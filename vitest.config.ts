import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/**/test/**/*.test.ts",
      "examples/**/test/**/*.test.ts",
      "docs/test/**/*.test.ts",
    ],
    globalSetup: ["scripts/before-tests.ts"],
    setupFiles: ["scripts/quiet-console.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    // Where the processor has protection keys, V8 sometimes loses track of its pages when many threads come and go
    // ("Check failed: jit_page.has_value()"), as the stores of these tests do.
    execArgv: ["--no-memory-protection-keys"],
  },
});
