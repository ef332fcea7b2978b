import { judgeNumber } from "./exact-number.ts";
import { entry, isSaid, map, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, joinPath, type MapTree, type ScalarTree, type Tree } from "./tree.ts";

interface Context {
  readonly problems: Problems;
  /** Of the block. */
  readonly path: string;
}

/** Today's `payload` of a webhook's block. Without a template and without the payload only what happened is said. */
export function toPayload(block: MapTree, context: Context): Tree | undefined {
  const template = block.entries.get("payload_template");
  if (template !== undefined) return fromJsonText(template, context);
  const include = block.entries.get("include_payload");
  if (!isSaid(include?.value, false)) return undefined;
  const at = include?.keyAt ?? block.at;
  const fields = ["pipeline", "flowgroup", "action"];
  return map(at, [
    entry("type", scalar("${type}", at), at),
    entry("time", scalar("${time}", at), at),
    ...fields.map((field) => entry(field, scalar(`\${${field}:-null}`, at), at)),
  ]);
}

// A template in one JSON text: as data its values are escaped rightly.
function fromJsonText({ value: tree, keyAt, key }: Entry, { problems, path }: Context): Tree {
  if (tree.type !== "scalar" || typeof tree.value !== "string" || !/^\s*[{[]/.test(tree.value)) {
    return tree;
  }
  const text = tree.value;
  const data = parseJson(quoteReferences(text));
  if (data !== undefined) {
    const isExact = checkNumbers(text, tree, { problems, path: joinPath(path, key) });
    return isExact ? fromData(data, tree.at) : tree;
  }
  // A text may well begin with a word in brackets.
  if (/^\s*(?:\{|\[.*\]\s*$)/s.test(text)) {
    problems.warn({
      at: keyAt,
      path: joinPath(path, key),
      message: `"${key}" looks like JSON and is none: it is sent as plain text, its values as they are. Check its quotes and commas.`,
    });
  }
  return tree;
}

const token = /"(?:\\.|[^"\\])*"|\$\{[^{}]*\}(?!\s*:)|-?\d[\d.eE+-]*/g;

// A reference alone keeps the type of its value.
function quoteReferences(text: string): string {
  return text.replaceAll(token, (found) =>
    found.startsWith("${") ? JSON.stringify(found) : found,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkNumbers(text: string, tree: ScalarTree, { problems, path }: Context): boolean {
  const wrong = [...text.matchAll(token)].flatMap(({ 0: written, index }) => {
    const verdict = /^[-\d]/.test(written) ? judgeNumber(Number(written), written) : undefined;
    return verdict === undefined ? [] : { at: tree.offsetOf?.(index) ?? tree.at, ...verdict };
  });
  for (const finding of wrong) problems.add({ path, ...finding });
  return wrong.length === 0;
}

function fromData(value: unknown, at: number): Tree {
  if (Array.isArray(value))
    return { type: "list", at, items: value.map((item) => fromData(item, at)) };
  if (typeof value === "object" && value !== null) {
    return map(
      at,
      Object.entries(value).map(([key, item]) => entry(key, fromData(item, at), at)),
    );
  }
  return scalar(value as string | number | boolean | null, at);
}
