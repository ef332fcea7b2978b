import { type Document, isCollection, isScalar, visit } from "yaml";
import type { Problems } from "./problem.ts";
import { unquotedAround } from "./quoting.ts";

/**
 * Reports what is no YAML, and tags; answers the offset from which the text could not be read. What stands at `told` is told
 * by others.
 */
export function reportSyntax(
  document: Document,
  text: string,
  { problems, told }: { readonly problems: Problems; readonly told: Iterable<number> },
): number | undefined {
  const seenLines = new Set<number>();
  // A lone * is told like other aliases that lead nowhere, and what follows it can be read.
  const errors = document.errors.filter(
    ({ code, pos }) => code !== "BAD_ALIAS" || text[pos[0]] !== "*",
  );
  const places = errors.map(({ pos }) => placeOf(pos[0], document, text));
  for (const [index, { code, message, pos }] of errors.entries()) {
    const at = places[index] ?? pos[0];
    const line = problems.lineOf(at);
    const unquoted = unquotedAround(document, text, pos[0]);
    if (unquoted !== undefined) {
      problems.add({ ...unquoted, path: "", syntax: true });
      break;
    }
    // One mistake makes the parser stumble several times: the first of a line says it.
    if (seenLines.has(line)) continue;
    seenLines.add(line);
    problems.add({
      at,
      path: "",
      syntax: true,
      message: syntaxMessage(code, message, text[pos[0]] ?? ""),
    });
    if (code === "UNEXPECTED_TOKEN" && seenLines.size > 1) break;
  }
  const others = new Set(told);
  for (const { code, message, pos } of document.warnings) {
    if (code !== "TAG_RESOLVE_FAILED" || others.has(pos[0])) continue;
    const tag = message.replace(/^Unresolved tag: /, "");
    problems.add({
      at: pos[0],
      path: "",
      message: `The tag ${tag} is not known here. Leave it out.`,
    });
  }
  return places[0];
}

// What is not closed is noticed at the end of the file, where there is nothing to see: it is shown where it begins.
function placeOf(offset: number, document: Document, text: string): number {
  if (offset < text.length) return offset;
  let place = offset;
  visit(document, {
    Node(_key, node) {
      const isQuoted = isScalar(node) && node.type?.startsWith("QUOTE") === true;
      const isFlow = isCollection(node) && node.flow === true;
      // The innermost one is visited last.
      if (node.range?.[1] === offset && (isQuoted || isFlow)) place = node.range[0];
    },
  });
  return place;
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
