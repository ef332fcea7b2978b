import { dirname, resolve } from "node:path";
import {
  type CheckedYaml,
  findConfig,
  type Problem,
  readCheckedYaml,
  readTextFile,
} from "@pipehooks/config";
import { nearest } from "@pipehooks/core";
import { UsageError } from "../usage-error.ts";
import { type Step, type TestFileInput, testFileSchema } from "./schema.ts";

/** A file of route tests that was read. */
export interface TestFile {
  /** Absolute path. */
  readonly file: string;
  readonly input: TestFileInput;
  /** Absolute path of the configuration that it tests. */
  readonly config: string;
  readonly problemAt: CheckedYaml<TestFileInput>["problemAt"];
}

/**
 * Reads a file of route tests. `config` wins over the one that the file names.
 * @throws ConfigError with every problem of the file
 */
export function readTestFile(file: string, config: string | undefined): TestFile {
  const text = readTextFile(file);
  const { value, problemAt } = readCheckedYaml({
    file,
    text,
    schema: testFileSchema,
    atLeast: ["tests:"],
  });
  const folder = dirname(file);
  const named =
    config !== undefined
      ? resolve(config)
      : value.config === undefined
        ? findConfig(folder)
        : resolve(folder, value.config);
  if (named === undefined) {
    throw new UsageError(
      `${file} names no "config", and there is no pipehooks.yaml beside it or above.`,
    );
  }
  return { file, input: value, config: named, problemAt };
}

/** What the steps of a file name that the configuration does not have. */
export function checkNames(
  { input, problemAt }: TestFile,
  hooks: readonly string[],
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [testIndex, { steps }] of input.tests.entries()) {
    for (const [stepIndex, step] of steps.entries()) {
      for (const { name, path } of namesIn(step)) {
        if (hooks.includes(name)) continue;
        const configured = hooks.length === 0 ? "none" : hooks.join(", ");
        problems.push(
          problemAt({
            steps: ["tests", testIndex, "steps", stepIndex, ...path],
            message: `No hook is called "${name}". Configured and not off: ${configured}.`,
            suggestion: nearest(name, hooks),
          }),
        );
      }
    }
  }
  return problems;
}

function namesIn({ answer, expect, expectNothing }: Step) {
  const names: { readonly name: string; readonly path: readonly PropertyKey[] }[] = [];
  if (answer !== undefined) names.push({ name: answer.hook, path: ["answer", "hook"] });
  if (expect !== undefined) names.push({ name: expect.hook, path: ["expect", "hook"] });
  if (typeof expectNothing !== "object") return names;
  if ("hook" in expectNothing) {
    names.push({ name: expectNothing.hook, path: ["expectNothing", "hook"] });
  } else {
    for (const [index, name] of expectNothing.hooks.entries()) {
      names.push({ name, path: ["expectNothing", "hooks", index] });
    }
  }
  return names;
}
