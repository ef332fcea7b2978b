import type { ErrorCode } from "@pipehooks/core";
import type { Problem, Problems } from "./problem.ts";
import { joinPath, locate, type Tree } from "./tree.ts";

/** Something that a check has to say about a value at a path (in camelCase). */
export interface Remark {
  readonly steps: readonly PropertyKey[];
  readonly message: string;
  readonly suggestion?: string | undefined;
  readonly code?: ErrorCode | undefined;
  /** Which character of the text at the path is meant. */
  readonly index?: number | undefined;
  /** Doubtful, not wrong. */
  readonly warning?: boolean | undefined;
  /** It says that something is not there. */
  readonly absence?: boolean | undefined;
}

export type Report = (remark: Remark) => void;

/** Places remarks in a YAML file. */
export function createTreeReport(
  root: Tree,
  problems: Problems,
  broken: ReadonlySet<Tree>,
): Report {
  return ({ steps, message, suggestion, code, index, warning, absence }) => {
    const spot = locate(root, steps);
    if (broken.has(spot.tree)) return;
    const inText = index !== undefined && spot.tree.type === "scalar" && spot.tree.offsetOf;
    const at = inText ? inText(index) : spot.at;
    const finding = { at, path: spot.path, message, suggestion, code, absence };
    if (warning === true) problems.warn(finding);
    else problems.add(finding);
  };
}

/** Collects remarks on a configuration in code, where only the path is known. */
export function createPathReport(file: string): {
  readonly report: Report;
  readonly errors: Problem[];
  readonly warnings: Problem[];
} {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  return {
    errors,
    warnings,
    report({ steps, message, suggestion, code = "CONFIG_INVALID", warning }) {
      const path = steps.reduce<string>(
        (text, step) => joinPath(text, typeof step === "number" ? step : String(step)),
        "",
      );
      (warning === true ? warnings : errors).push({ file, path, message, suggestion, code });
    },
  };
}
