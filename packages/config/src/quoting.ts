import { type Document, isCollection, isScalar, type Node, visit } from "yaml";
import { maskLine } from "./mask.ts";

/** A text that has to stand in quotes: without them its beginning means something else to YAML. */
export interface Unquoted {
  readonly at: number;
  readonly message: string;
  /** The text in quotes; absent where it may be a secret. */
  readonly suggestion: string | undefined;
}

/** Values whose text begins with `!` and is no tag, with the offset of the sign: by it YAML loses a part of the text. */
export function unquotedTags(document: Document, text: string): ReadonlyMap<Node, number> {
  const found = new Map<Node, number>();
  visit(document, {
    Node(key, node) {
      const { tag, range } = node as Node & { tag?: string };
      if (key === "key" || tag?.startsWith("!") !== true || !range) return;
      const isEmpty = isScalar(node) && node.source === "";
      if (isEmpty || !/^![\w:-]+$/.test(tag)) found.set(node, text.lastIndexOf(tag, range[0]));
    },
  });
  return found;
}

/** Whether a name behind `*` is part of a text, such as a glob, and none of an anchor. */
export function isGlobTail(name: string): boolean {
  return !/^[A-Za-z][\w-]*$/.test(name);
}

/** What to say of the unquoted text that begins at an offset. `path` is that of the value, where it is known. */
export function unquotedAt(document: Document, text: string, at: number, path = ""): Unquoted {
  const written = writtenFrom(text, at, isInFlow(document, at));
  const line = text.slice(text.lastIndexOf("\n", at) + 1).split(/\r?\n/, 1)[0] as string;
  const isShown = written !== "" && maskLine(line, path).includes(written);
  return { at, message: messageFor(text[at]), suggestion: isShown ? quoted(written) : undefined };
}

/**
 * The text around a `{` over which the parser stumbled, because it stands in the middle of an unquoted text; absent
 * where it begins a value.
 */
export function unquotedAround(
  document: Document,
  text: string,
  brace: number,
): Unquoted | undefined {
  if (text[brace] !== "{" || !/[^\s,:[\]{}"']/.test(text[brace - 1] ?? " ")) return undefined;
  const line = text.slice(text.lastIndexOf("\n", brace) + 1, brace);
  const [start = ""] = /(?:(?!: |, | - |^\s*- )[^[{,])*$/.exec(line) ?? [];
  const at = brace - start.replace(/^(?::\s+|\s+|- +)+/, "").length;
  return unquotedAt(document, text, at);
}

function messageFor(sign: string | undefined): string {
  if (sign === "!") return "A text that begins with ! is a tag to YAML. Put it in quotes.";
  if (sign === "*") return "A text that begins with * is an alias to YAML. Put it in quotes.";
  return "Between brackets and braces a { begins keys and values to YAML. Put the text in quotes.";
}

function isInFlow(document: Document, at: number): boolean {
  let isInside = false;
  visit(document, {
    Node(_key, node) {
      const [start, end] = node.range ?? [at, at];
      if (isCollection(node) && node.flow === true && start < at && at <= end) isInside = true;
    },
  });
  return isInside;
}

const closings: Readonly<Record<string, string>> = { "{": "}", "[": "]", "(": ")" };

/** A text up to where it ends for who writes it: with its line, and in a flow collection with its item. */
function writtenFrom(text: string, at: number, isFlow: boolean): string {
  const [line = ""] = /^.*?(?=\s+#|\s*$)/m.exec(text.slice(at)) ?? [];
  if (!isFlow) return line;
  const open: string[] = [];
  for (const [index, sign] of [...line].entries()) {
    if (open.length === 0 && /[,\]}]/.test(sign)) return line.slice(0, index).trimEnd();
    if (sign in closings) open.push(closings[sign] as string);
    else if (sign === open.at(-1)) open.pop();
  }
  return line;
}

function quoted(text: string): string {
  return /["\\]/.test(text) && !text.includes("'") ? `'${text}'` : JSON.stringify(text);
}
