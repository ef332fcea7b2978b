import type { Scalar } from "yaml";

/** Maps an index in a text value to its offset in the file, where text and file agree character by character. */
export function offsetsIn(
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
