import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Problems } from "./problem.ts";
import { type Comments, type Entry, joinPath, type MapTree, type Tree } from "./tree.ts";

const mostNodes = 100_000;

export interface ParsedDocument {
  /** Absent when the file holds no mapping. */
  readonly root: MapTree | undefined;
  /** Offset from which the text could not be read. */
  readonly brokenAt: number | undefined;
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
  });
  const brokenAt = reportSyntax(document, text, problems);
  const builder = new TreeBuilder(document, text, problems);
  const root = builder.root();
  if (root?.type === "map") return { root, brokenAt };
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
  return { root: undefined, brokenAt };
}

// `store: memory:` is a key without a value to YAML; the colon that people write is taken as a space.
function readable(text: string): string {
  return text.replace(/^(store:[ \t]+memory):(?=[ \t]*(?:#.*)?\r?$)/m, "$1 ");
}

function reportSyntax(document: Document, text: string, problems: Problems): number | undefined {
  const seenLines = new Set<number>();
  for (const { code, message, pos } of document.errors) {
    const line = problems.lineOf(pos[0]);
    // One mistake makes the parser stumble several times: the first of a line says it.
    if (seenLines.has(line)) continue;
    seenLines.add(line);
    problems.add({
      at: pos[0],
      path: "",
      syntax: true,
      message: syntaxMessage(code, message, text[pos[0]] ?? ""),
    });
    if (code === "UNEXPECTED_TOKEN" && seenLines.size > 1) break;
  }
  for (const { code, message, pos } of document.warnings) {
    if (code !== "TAG_RESOLVE_FAILED") continue;
    const tag = message.replace(/^Unresolved tag: /, "");
    problems.add({
      at: pos[0],
      path: "",
      message: `The tag ${tag} is not known here. Leave it out.`,
    });
  }
  return document.errors[0]?.pos[0];
}

function syntaxMessage(code: string, message: string, character: string): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "A tab indents this line. YAML indents with spaces only.";
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return 'A key in the middle of a value: either the indentation is wrong, or a text with ": " in it needs quotes.';
    case "BAD_SCALAR_START":
      return `A value cannot begin with ${character}. Put it in quotes.`;
    case "MULTIPLE_DOCS":
      return "The file holds more than one document. Remove the `---`.";
    case "MISSING_CHAR":
      if (message.includes("quote")) return "A quote is not closed.";
      if (message.includes("followed by map values")) {
        return "A key without a value: a colon with a space behind it is missing.";
      }
      return `Not readable as YAML: ${message}.`;
    default:
      return `Not readable as YAML: ${message}.`;
  }
}

class TreeBuilder {
  private readonly document: Document;
  private readonly text: string;
  private readonly problems: Problems;
  private readonly open = new Set<Node>();
  private nodes = 0;

  constructor(document: Document, text: string, problems: Problems) {
    this.document = document;
    this.text = text;
    this.problems = problems;
  }

  root(): Tree | undefined {
    const { contents, commentBefore } = this.document;
    if (contents === null) return undefined;
    const tree = this.build(contents as Node, "");
    return commentBefore
      ? { ...tree, comments: { ...tree.comments, before: commentBefore } }
      : tree;
  }

  private build(node: Node, path: string): Tree {
    const at = node.range?.[0] ?? 0;
    this.nodes += 1;
    if (this.nodes > mostNodes) {
      if (this.nodes === mostNodes + 1) {
        this.problems.add({
          at,
          path,
          message: `The file has more than ${mostNodes} values, aliases written out. Use fewer aliases.`,
        });
      }
      return { type: "scalar", at, value: null };
    }
    if (isAlias(node)) return this.follow(node, at, path);
    if (isMap(node)) return this.inside(node, () => this.buildMap(node, at, path));
    if (isSeq(node)) {
      return this.inside(node, () => ({
        type: "list",
        at,
        comments: commentsOf(node),
        items: node.items.map((item, index) => this.build(item as Node, joinPath(path, index))),
      }));
    }
    return this.buildScalar(node as Scalar, at, path);
  }

  private inside(node: Node, build: () => Tree): Tree {
    this.open.add(node);
    const tree = build();
    this.open.delete(node);
    return tree;
  }

  private follow(node: Node & { source: string }, at: number, path: string): Tree {
    const target = isAlias(node) ? node.resolve(this.document) : undefined;
    if (target !== undefined && !this.open.has(target)) return this.build(target, path);
    this.problems.add({
      at,
      path,
      message:
        target === undefined
          ? `There is no anchor &${node.source} before this alias.`
          : `The alias *${node.source} stands inside its own anchor.`,
    });
    return { type: "scalar", at, value: null };
  }

  private buildMap(node: YAMLMap, at: number, path: string): MapTree {
    const entries = new Map<string, Entry>();
    const merged: Tree[] = [];
    for (const pair of node.items) {
      const key = this.keyOf(pair, path);
      if (key === undefined) continue;
      if (key === mergeKey) merged.push(...this.buildMerge(pair, path));
      else this.addEntry(entries, key, pair, path);
    }
    // Keys of the map itself win over merged ones, and earlier merged ones over later ones.
    for (const tree of merged) {
      if (tree.type !== "map") continue;
      for (const entry of tree.entries.values()) {
        if (!entries.has(entry.key)) entries.set(entry.key, entry);
      }
    }
    passToFirst(entries, node.commentBefore);
    return { type: "map", at, entries };
  }

  private addEntry(entries: Map<string, Entry>, key: string, pair: Pair, path: string): void {
    const keyNode = pair.key as Scalar;
    const keyAt = keyNode.range?.[0] ?? 0;
    const before = entries.get(key);
    if (before !== undefined) {
      this.problems.add({
        at: keyAt,
        path: joinPath(path, key),
        message: `The key "${key}" is there already, at line ${this.problems.lineOf(before.keyAt)}. Keep one of the two.`,
      });
      return;
    }
    const value: Tree =
      pair.value === null
        ? { type: "scalar", at: keyAt, value: null }
        : this.build(pair.value as Node, joinPath(path, key));
    entries.set(key, {
      key,
      keyAt,
      value,
      comments: { before: keyNode.commentBefore ?? undefined },
    });
  }

  private buildMerge(pair: Pair, path: string): readonly Tree[] {
    const at = (pair.key as Scalar).range?.[0] ?? 0;
    const tree = this.build(pair.value as Node, path);
    const trees = tree.type === "list" ? tree.items : [tree];
    if (trees.every((one) => one.type === "map")) return trees;
    this.problems.add({
      at,
      path,
      message: "`<<` takes an alias of a mapping, or a list of such.",
    });
    return [];
  }

  private keyOf(pair: Pair, path: string): string | typeof mergeKey | undefined {
    const { key } = pair;
    if (isScalar(key)) {
      if (typeof key.value === "symbol") return mergeKey;
      return String(key.value);
    }
    const at = (key as Node | null)?.range?.[0] ?? 0;
    this.problems.add({ at, path, message: "A key must be text." });
    return undefined;
  }

  private buildScalar(node: Scalar, at: number, path: string): Tree {
    const { value } = node;
    const comments = commentsOf(node);
    if (typeof value === "number") {
      if (!Number.isFinite(value)) {
        this.problems.add({
          at,
          path,
          message: `${node.source} is not a number that JSON can carry.`,
        });
        return { type: "scalar", at, value: null, comments };
      }
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        this.problems.add({
          at,
          path,
          message: `${node.source} is larger than a number can carry exactly. Put it in quotes.`,
          suggestion: `"${node.source}"`,
        });
      }
      return { type: "scalar", at, value, comments };
    }
    if (typeof value === "string") {
      return { type: "scalar", at, value, comments, offsetOf: offsetsIn(node, value, this.text) };
    }
    return { type: "scalar", at, value: typeof value === "boolean" ? value : null, comments };
  }
}

const mergeKey: unique symbol = Symbol("<<");

// The parser keeps what stands above the first key at the mapping.
function passToFirst(entries: Map<string, Entry>, before: string | null | undefined): void {
  const [first] = entries.values();
  if (!before || first === undefined) return;
  entries.set(first.key, { ...first, comments: { ...first.comments, before } });
}

function commentsOf(node: Node): Comments | undefined {
  const { commentBefore, comment } = node;
  if (!commentBefore && !comment) return undefined;
  return { before: commentBefore ?? undefined, after: comment ?? undefined };
}

/** Maps an index in a text value to its offset in the file, where text and file agree character by character. */
function offsetsIn(
  node: Scalar,
  value: string,
  text: string,
): ((index: number) => number) | undefined {
  const start = node.range?.[0];
  if (start === undefined) return undefined;
  const written = text.slice(start, node.range?.[1]);
  if (written.startsWith(value)) return (index) => start + index;
  if (written.slice(1, -1) === value) return (index) => start + 1 + index;
  if (node.type === "QUOTE_SINGLE" && written.slice(1, -1).replaceAll("''", "'") === value) {
    return (index) => start + 1 + index + (value.slice(0, index).split("'").length - 1);
  }
  if (node.type === "BLOCK_LITERAL") return (index) => offsetInBlock(written, start, value, index);
  return undefined;
}

// In a literal block every line is the value's line behind the same indentation.
function offsetInBlock(written: string, start: number, value: string, index: number): number {
  const before = value.slice(0, index).split("\n");
  const lines = written.split("\n");
  const indent =
    /^ */.exec(lines.slice(1).find((line) => line.trim() !== "") ?? "")?.[0].length ?? 0;
  const lineStart = lines.slice(0, before.length).reduce((sum, line) => sum + line.length + 1, 0);
  return start + lineStart + indent + (before.at(-1)?.length ?? 0);
}
