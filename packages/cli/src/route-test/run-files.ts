import { ConfigError, isConfigError, type LoadedConfig, type Problem } from "@pipehooks/config";
import { withoutStop } from "@pipehooks/core";
import { loadWithStandIns } from "../load-with-stand-ins.ts";
import { ownPlugins } from "../own-plugins.ts";
import { UsageError } from "../usage-error.ts";
import { createCoverage } from "./coverage.ts";
import type { RunResult, ShownFailure, TestResult } from "./results.ts";
import { runTest, type TestFailure } from "./run-test.ts";
import type { TestInput } from "./schema.ts";
import { checkNames, readTestFile, type TestFile } from "./test-file.ts";

/** Files of route tests with their configurations, all of it read and found right. */
export interface Suite {
  readonly files: readonly TestFile[];
  readonly configs: ReadonlyMap<string, LoadedConfig>;
}

/**
 * Reads files and the configurations that they name. `needed` learns what the result depends on, as far as it is known.
 * @throws ConfigError with the problems of all of them
 */
export async function readSuite(
  paths: readonly string[],
  { config, needed }: { config: string | undefined; needed: (files: readonly string[]) => void },
): Promise<Suite> {
  const problems: Problem[] = [];
  const files: TestFile[] = [];
  for (const path of paths) {
    const file = collect(problems, () => readTestFile(path, config));
    if (file !== undefined) files.push(file);
  }
  needed([...paths, ...files.map((file) => file.config)]);
  const configs = new Map<string, LoadedConfig>();
  for (const path of new Set(files.map((file) => file.config))) {
    try {
      const loaded = await loadWithStandIns({ file: path, ...ownPlugins() });
      configs.set(path, loaded);
      needed(
        loaded.plugins
          .map(({ from }) => from)
          .filter((from) => !/[\\/]node_modules[\\/]/.test(from)),
      );
    } catch (error) {
      if (!isConfigError(error)) throw error;
      problems.push(...error.problems);
    }
  }
  for (const file of files) {
    const hooks = configs.get(file.config)?.options.hooks;
    if (hooks === undefined) continue;
    const names = hooks.filter(({ enabled }) => enabled !== false).map(({ name }) => name);
    problems.push(...checkNames(file, names));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { files, configs };
}

function collect<Result>(problems: Problem[], read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!isConfigError(error)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** Runs the tests one after the other; `ended` gets each result as it comes. */
export async function runSuite(
  { files, configs }: Suite,
  options: { readonly filter: string | undefined; readonly ended: (result: TestResult) => void },
): Promise<RunResult> {
  const { filter, ended } = options;
  const startedAt = performance.now();
  const coverage = createCoverage();
  const isNamed = ({ name }: TestInput) =>
    filter === undefined || name.toLowerCase().includes(filter.toLowerCase());
  const all = files.flatMap(({ input }) => input.tests);
  if (!all.some(isNamed)) throw new UsageError(`No test has "${filter}" in its name.`);
  const isOnly = all.some(({ only }) => only === true);
  const isChosen = ({ only, skip }: TestInput) => skip !== true && (!isOnly || only === true);

  const tests: TestResult[] = [];
  for (const file of files) {
    for (const [index, test] of file.input.tests.entries()) {
      if (!isNamed(test)) continue;
      const begun = performance.now();
      const place = file.problemAt({ steps: ["tests", index, "name"], message: "" });
      const loaded = configs.get(file.config);
      const failed =
        isChosen(test) && loaded !== undefined
          ? await runTest(test, {
              loaded,
              seed: file.input.seed ?? 1,
              opened: (scene) => coverage.watch(file.config, scene),
              end: (scene) => coverage.count(file.config, scene),
            })
          : undefined;
      const result: TestResult = {
        file: file.file,
        name: test.name,
        line: place.line ?? 1,
        status: !isChosen(test) ? "skipped" : failed === undefined ? "passed" : "failed",
        durationMs: performance.now() - begun,
        failure: failed && toShown(file, index, failed),
      };
      tests.push(result);
      ended(result);
    }
  }
  return {
    tests,
    durationMs: performance.now() - startedAt,
    coverage: coverage.hooks(),
    complete: tests.length === all.length && all.every(isChosen),
  };
}

function toShown(
  { input, problemAt }: TestFile,
  test: number,
  { failure, step, log, redact }: TestFailure,
): ShownFailure {
  const message = redact(failure.message);
  const kind = Object.keys(input.tests[test]?.steps[step] ?? {})[0] ?? "";
  const written = kind.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const steps = ["tests", test, "steps", step];
  return {
    problem: problemAt({ steps, message: `${written}: ${withoutStop(message)}.` }),
    differences: failure.differences.map(({ what, expected, actual }) => ({
      what,
      expected: redact(expected),
      actual: redact(actual),
    })),
    notes: failure.notes.map(redact),
    log: log.map(redact),
  };
}
