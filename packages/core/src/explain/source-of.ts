import type { ASTNode } from "@marcbachmann/cel-js";

// Texts, in which a parenthesis means nothing, and parentheses.
const tokens =
  /[rR]?"""[\s\S]*?"""|[rR]?'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\/.*|[()]/g;

/** The text of a node as it is written; the parser leaves out parentheses at its ends, and these are put back. */
export function sourceOf({ input, range }: ASTNode): string {
  let { start, end } = range;
  const { before, behind } = unbalanced(input.slice(start, end));
  for (let left = before; left > 0; left -= 1) start = input.lastIndexOf("(", start - 1);
  for (let left = behind; left > 0; left -= 1) end = input.indexOf(")", end) + 1;
  return input.slice(start, end);
}

/** How many parentheses are missing before and behind a text. */
function unbalanced(text: string): { readonly before: number; readonly behind: number } {
  let depth = 0;
  let least = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    least = Math.min(least, depth);
  }
  return { before: -least, behind: depth - least };
}
