import { HookError } from "@pipehooks/core";
import { Document, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { parseYaml } from "./document.ts";
import { lostComments, withComments } from "./kept-comments.ts";
import { fromPlumber, isPlumber } from "./plumber.ts";
import { ConfigError, Problems } from "./problem.ts";
import type { MapTree, Tree } from "./tree.ts";

/**
 * A file in the lakehouse-plumber form as YAML in today's form: it loads to the same configuration, or is refused for
 * the same reason. Comments move with what they stand at, or above their hook where that is gone; what changes its
 * meaning is said in a comment at the top.
 * @throws ConfigError for a file that cannot be read
 * @throws HookError CONFIG_INVALID for a file that is in today's form already
 */
export function migrate(text: string, file = "pipehooks.yaml"): string {
  const problems = new Problems(file, text);
  const { root, brokenAt, broken } = parseYaml(text, problems);
  const isReadable = root !== undefined && brokenAt === undefined;
  if (isReadable && !isPlumber(root)) {
    throw new HookError(
      "CONFIG_INVALID",
      `${file} is in today's form already: there is nothing to migrate.`,
    );
  }
  const converted = isReadable ? fromPlumber(root, { problems, broken }) : undefined;
  const errors = problems.errors((message) => message, brokenAt);
  if (converted === undefined || errors.length > 0) throw new ConfigError(errors);

  const notes = problems.warnings((message) => message).map(({ message }) => ` ${message}`);
  const printed = print(converted, notes);
  const lost = lostComments(text, printed);
  return lost.length === 0 ? printed : print(withComments(converted, lost), notes);
}

function print(root: MapTree, notes: readonly string[]): string {
  const document = new Document();
  document.contents = toNode(root) as typeof document.contents;
  const above = [root.comments?.before, ...notes].filter((line) => line !== undefined);
  if (above.length > 0) document.commentBefore = above.join("\n");
  return document.toString({ lineWidth: 100, flowCollectionPadding: false });
}

function toNode(tree: Tree): Node {
  const node = bareNode(tree);
  if (tree.comments?.after !== undefined) node.comment = tree.comments.after;
  return node;
}

function bareNode(tree: Tree): Node {
  if (tree.type === "scalar") {
    const node = new Scalar(tree.value);
    if (typeof tree.value === "string" && tree.value.includes("${")) node.type = "QUOTE_DOUBLE";
    return node;
  }
  if (tree.type === "list") {
    const list = new YAMLSeq();
    for (const item of tree.items) {
      const node = toNode(item);
      if (item.comments?.before !== undefined) node.commentBefore = item.comments.before;
      list.items.push(node);
    }
    const isPlain = (part: Tree) => part.type === "scalar" && part.comments === undefined;
    list.flow = tree.comments?.before === undefined && tree.items.every(isPlain);
    return list;
  }
  const map = new YAMLMap();
  for (const { key, value, comments } of tree.entries.values()) {
    const keyNode = new Scalar(key);
    if (comments?.before !== undefined) keyNode.commentBefore = comments.before;
    const valueNode = toNode(value);
    if (value.comments?.before !== undefined) valueNode.commentBefore = value.comments.before;
    map.items.push(new Pair(keyNode, valueNode));
  }
  return map;
}
