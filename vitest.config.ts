import { configDefaults, defineConfig } from "vitest/config";

const all = [
  "packages/**/test/**/*.test.ts",
  "examples/**/test/**/*.test.ts",
  "docs/test/**/*.test.ts",
];
/** Those that leave something behind in their process: the time, or what the AWS SDK has read of the environment. */
const alone = [
  "packages/core/test/clock.test.ts",
  "packages/plugins/cloud-logging/test/aws.test.ts",
  "packages/plugins/databricks/test/driver.test.ts",
  "packages/plugins/email/test/ses.test.ts",
];

export default defineConfig({
  test: {
    globalSetup: ["scripts/before-tests.ts"],
    setupFiles: ["scripts/nothing-left-behind.ts", "scripts/quiet-console.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    unstubEnvs: true,
    maxWorkers: 2,
    // Where the processor has protection keys, V8 sometimes loses track of its pages when many threads come and go
    // ("Check failed: jit_page.has_value()"), as the stores of these tests do.
    execArgv: ["--no-memory-protection-keys"],
    projects: [
      // To read all modules anew for each file would take a fifth of the time.
      {
        extends: true,
        test: {
          name: "together",
          include: all,
          exclude: [...configDefaults.exclude, ...alone],
          isolate: false,
        },
      },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
});
