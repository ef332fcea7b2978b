import type { StandardSchemaV1 } from "@standard-schema/spec";
import { convert } from "./convert.ts";
import { parseYaml } from "./document.ts";
import { reportIssues } from "./issues.ts";
import { ConfigError, type Problem, Problems } from "./problem.ts";
import type { References } from "./references.ts";
import { createTreeReport, type Remark } from "./report.ts";
import { shapeOf } from "./shape.ts";

/** What a YAML file holds, checked, with the place of everything in it. */
export interface CheckedYaml<Value> {
  readonly value: Value;
  /** A problem at a value of the file; its path is in camelCase. */
  problemAt(remark: Remark): Problem;
}

/**
 * Reads a YAML file of another form than the configuration's, with the same care: its keys are in snake_case, unknown
 * ones are refused, and everything wrong is told with its place. `${…}` has no meaning in it.
 * @throws ConfigError with every problem of the file
 */
export function readCheckedYaml<Output>(source: {
  readonly file: string;
  readonly text: string;
  readonly schema: StandardSchemaV1<unknown, Output>;
  /** Keys that such a file holds at least, for one that is empty. */
  readonly atLeast: readonly string[];
}): CheckedYaml<Output> {
  const { file, text, schema, atLeast } = source;
  const problems = new Problems(file, text);
  const { root, brokenAt, broken } = parseYaml(text, problems, atLeast);
  const found = () => problems.errors((said) => said, brokenAt);
  if (root === undefined) throw new ConfigError(found());

  const shape = shapeOf(schema);
  const data = convert(
    root,
    shape,
    { references: asWritten, problems, broken },
    { path: "", steps: [] },
  );
  const unreadable = found();
  const result = schema["~standard"].validate(data);
  if (result instanceof Promise) throw new TypeError("The schema validates asynchronously.");
  if (result.issues !== undefined) {
    reportIssues(result.issues, {
      tree: root,
      path: "",
      problems,
      broken,
      showValues: true,
      shape,
    });
  }
  // What could not be read is missing to the schema, too.
  const said = found().filter(
    (problem) =>
      !unreadable.some((other) => isAt(other, problem) && other.message !== problem.message),
  );
  if (result.issues !== undefined || said.length > 0) throw new ConfigError(said);
  return {
    value: result.value,
    problemAt(remark) {
      const own = new Problems(file, text);
      createTreeReport(root, own, broken)({ ...remark, warning: false });
      return own.errors((said) => said, undefined)[0] as Problem;
    },
  };
}

function isAt(a: Problem, b: Problem): boolean {
  return a.line === b.line && a.column === b.column;
}

const asWritten: References = {
  resolve: ({ value }) => ({ text: String(value), outside: false, values: [] }),
};
