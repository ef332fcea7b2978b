import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { judgeNumber } from "./exact-number.ts";
import type { Problems } from "./problem.ts";
import { isGlobTail, unquotedAt } from "./quoting.ts";
import { offsetsIn } from "./text-offsets.ts";
import { type Comments, type Entry, joinPath, type MapTree, type Tree } from "./tree.ts";

const mostNodes = 100_000;

interface Source {
  readonly document: Document;
  readonly text: string;
  readonly problems: Problems;
  /** Takes the trees that stand for what could not be read. */
  readonly broken: Set<Tree>;
  /** Texts that YAML takes for tags, with their offsets. */
  readonly tags: ReadonlyMap<Node, number>;
}

/** A parsed document as a tree of places, aliases and merge keys followed; what cannot be followed goes to `problems`. */
export function buildTree(source: Source): Tree | undefined {
  return new TreeBuilder(source).root();
}

class TreeBuilder {
  private readonly document: Document;
  private readonly text: string;
  private readonly problems: Problems;
  private readonly broken: Set<Tree>;
  private readonly tags: ReadonlyMap<Node, number>;
  private readonly open = new Set<Node>();
  private nodes = 0;

  constructor({ document, text, problems, broken, tags }: Source) {
    this.document = document;
    this.text = text;
    this.problems = problems;
    this.broken = broken;
    this.tags = tags;
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
      return this.unreadable(at);
    }
    const tagAt = this.tags.get(node);
    if (tagAt !== undefined) return this.unquoted(tagAt, path);
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
    if (target === undefined && isGlobTail(node.source)) return this.unquoted(at, path);
    this.problems.add({
      at,
      path,
      message:
        target === undefined
          ? `There is no anchor &${node.source} before this alias. A text that begins with * needs quotes.`
          : `The alias *${node.source} stands inside its own anchor.`,
    });
    return this.unreadable(at);
  }

  private unquoted(at: number, path: string): Tree {
    this.problems.add({
      ...unquotedAt(this.document, this.text, at, path),
      path,
      syntax: true,
    });
    return this.unreadable(at);
  }

  private unreadable(at: number): Tree {
    const tree: Tree = { type: "scalar", at, value: null };
    this.broken.add(tree);
    return tree;
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
    const trees = (tree.type === "list" ? tree.items : [tree]).filter(
      (one) => !this.broken.has(one),
    );
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
      if (typeof key.value !== "string") return key.source || String(key.value);
      if (key.type !== "PLAIN" || !noBreakSpace.test(key.value)) return key.value;
    }
    const at = (key as Node | null)?.range?.[0] ?? 0;
    const message = isScalar(key)
      ? "A no-break space (U+00A0) indents this line. YAML indents with spaces only."
      : "A key must be text.";
    this.problems.add({ at, path, message });
    return undefined;
  }

  private buildScalar(node: Scalar, at: number, path: string): Tree {
    const { value } = node;
    const comments = commentsOf(node);
    if (typeof value === "number") {
      const verdict = judgeNumber(value, node.source ?? String(value));
      if (verdict !== undefined) this.problems.add({ at, path, ...verdict });
      if (!Number.isFinite(value)) return this.unreadable(at);
      return { type: "scalar", at, value, comments };
    }
    if (typeof value === "string") {
      return { type: "scalar", at, value, comments, offsetOf: offsetsIn(node, value, this.text) };
    }
    return { type: "scalar", at, value: typeof value === "boolean" ? value : null, comments };
  }
}

const mergeKey: unique symbol = Symbol("<<");

// Comes with text that is copied from a web page.
const noBreakSpace = /^\u00a0/;

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
