import { parseDocument } from "yaml";
import type { Problems } from "./problem.ts";
import { unquotedTags } from "./quoting.ts";
import { reportSyntax } from "./syntax.ts";
import type { MapTree, Tree } from "./tree.ts";
import { buildTree } from "./tree-builder.ts";

export interface ParsedDocument {
  /** Absent when the file holds no mapping. */
  readonly root: MapTree | undefined;
  /** Offset from which the text could not be read. */
  readonly brokenAt: number | undefined;
  /** Trees that are reported already: no second problem for them. */
  readonly broken: Set<Tree>;
}

/**
 * Parses YAML 1.2 (with merge keys) into a tree of places; what is wrong goes to `problems`. `atLeast` are keys that such
 * a file holds, for a file that holds none.
 */
export function parseYaml(
  text: string,
  problems: Problems,
  atLeast: readonly string[] = ["version: 1", "hooks:"],
): ParsedDocument {
  const document = parseDocument(readable(text), {
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
    resolveKnownTags: false,
  });
  const tags = unquotedTags(document, text);
  const brokenAt = reportSyntax(document, text, { problems, told: tags.values() });
  const broken = new Set<Tree>();
  const root = buildTree({ document, text, problems, broken, tags });
  if (root?.type === "map") return { root, brokenAt, broken };
  if (brokenAt === undefined) {
    const empty = root === undefined || (root.type === "scalar" && root.value === null);
    problems.add({
      at: empty ? 0 : root.at,
      path: "",
      message: empty
        ? `The file is empty. Write at least ${atLeast.map((key) => `"${key}"`).join(" and ")}.`
        : `The file must hold keys and values, such as \`${atLeast[0]}\`.`,
    });
  }
  return { root: undefined, brokenAt, broken };
}

// `store: memory:` is a key without a value to YAML; the colon that people write is taken as a space.
function readable(text: string): string {
  return text.replace(/^(store:[ \t]+memory):(?=[ \t]*(?:#.*)?\r?$)/m, "$1 ");
}
