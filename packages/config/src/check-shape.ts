import { nearest } from "@pipehooks/core";
import type { z } from "zod";
import { gateHint, type Steps } from "./gate-parts.ts";
import { knownKeys, sharpIssues } from "./issues.ts";
import type { Report } from "./report.ts";

/** Reports what a schema says of a value in code. */
export function checkShape(
  schema: z.ZodType,
  value: unknown,
  { steps, report }: { readonly steps: Steps; readonly report: Report },
): void {
  const { error } = schema.safeParse(value);
  for (const issue of sharpIssues(error?.issues ?? [])) {
    const { path, keys = [], message } = issue;
    for (const key of keys) {
      report({
        steps: [...steps, ...path, key],
        message: `There is no key "${key}" here. ${gateHint(key) ?? ""}`.trim(),
        suggestion: nearest(key, knownKeys(schema, path)),
      });
    }
    if (keys.length === 0) report({ steps: [...steps, ...path], message: `${message}.` });
  }
}
