import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { UsageError } from "../usage-error.ts";

interface Options {
  readonly watch?: boolean;
  readonly junit?: string;
  readonly coverage?: boolean;
  readonly filter?: string;
}

export const test = defineCommand<Options>({
  name: "test",
  summary: "run route tests: what hooks would send, in virtual time",
  operands: [
    {
      name: "[file...]",
      description:
        "files, or folders with *.test.yaml in them (default: those in the configuration's folder and below)",
    },
  ],
  options: [
    {
      flags: "--watch",
      description: "run again when a test, the configuration or a local plugin changes",
    },
    { flags: "--filter <text>", description: "only tests with this text in their name" },
    {
      flags: "--coverage",
      description: "list each hook: its deliveries, and what its condition said",
    },
    { flags: "--junit <file>", description: "also write the results as JUnit XML" },
  ],
  notes: [
    "Nothing is sent and no store is opened. A configuration that --config names is tested in place of the files' own.",
    "Secrets that are not set here are replaced by texts that stand in for them.",
  ],
  async run(context, { operands, options }) {
    if (options.watch !== true) return runOnce(context, operands, options);
    if (context.output.json || options.junit !== undefined) {
      throw new UsageError("--watch is for people: leave out --json and --junit.");
    }
    const { watchTests } = await import("../route-test/watch.ts");
    const { listTestFiles } = await import("../route-test/find-test-files.ts");
    return watchTests(context, process.argv.slice(2), () =>
      listTestFiles(operands, context.config),
    );
  },
});

async function runOnce(
  { output, config }: Context,
  operands: readonly string[],
  { junit, coverage = false, filter }: Options,
): Promise<ExitStatus> {
  const { readSuite, runSuite } = await import("../route-test/run-files.ts");
  const { testFilesOf } = await import("../route-test/find-test-files.ts");
  const { createReport } = await import("../route-test/report.ts");
  const { createRedactor } = await import("@pipehooks/core");
  const { tellNeeded } = await import("../route-test/watch.ts");
  const paths = testFilesOf(operands, config);
  const suite = await readSuite(paths, { config, needed: tellNeeded });
  const loaded = [...suite.configs.values()];
  const secrets = loaded.flatMap(({ options }) => options.secrets ?? []);
  if (secrets.length > 0) output.protect(createRedactor(secrets));
  const report = createReport(output, { coverage });
  const run = await runSuite(suite, { filter, ended: report.ended });
  report.finish(run);
  if (junit !== undefined) await writeJunit(junit, run, output.redact);
  return run.tests.some(({ status }) => status === "failed") ? 1 : 0;
}

async function writeJunit(
  file: string,
  run: import("../route-test/results.ts").RunResult,
  redact: (text: string) => string,
): Promise<void> {
  const { mkdir, writeFile } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const { toJunitXml } = await import("../route-test/junit.ts");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, redact(toJunitXml(run)));
}
