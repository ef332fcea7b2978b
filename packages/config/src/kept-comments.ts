import { CST, Lexer } from "yaml";
import { type Comments, type Entry, type MapTree, type Tree, toEntries } from "./tree.ts";

interface Comment {
  /** Behind the `#`. */
  readonly text: string;
  readonly at: number;
}

/** The comments of one YAML text that another one, made of it, lacks. */
export function lostComments(text: string, made: string): readonly Comment[] {
  const kept = commentsIn(made).map((comment) => comment.text.trim());
  return commentsIn(text).filter((comment) => {
    const index = kept.indexOf(comment.text.trim());
    if (index >= 0) kept.splice(index, 1);
    return index < 0;
  });
}

/** The tree of a file with comments above the hook in whose block they stood, or above all hooks. */
export function withComments(root: MapTree, comments: readonly Comment[]): MapTree {
  const hooks = root.entries.get("hooks");
  if (hooks?.value.type !== "list") return root;
  const { items } = hooks.value;
  const starts = items.map(({ at }) => at);
  const of = (index: number) =>
    comments.filter(({ at }) => starts.findLastIndex((start) => start <= at) === index);
  const commented: Entry = {
    ...hooks,
    comments: above(hooks, of(-1)),
    value: {
      ...hooks.value,
      items: items.map((item, index): Tree => ({ ...item, comments: above(item, of(index)) })),
    },
  };
  return { ...root, entries: toEntries([...root.entries.values(), commented]) };
}

function above(
  { comments }: { readonly comments?: Comments | undefined },
  more: readonly Comment[],
): Comments | undefined {
  if (more.length === 0) return comments;
  const lines = [comments?.before ?? [], more.map(({ text }) => text)].flat();
  return { ...comments, before: lines.join("\n") };
}

// Marks of the lexer are no part of the text.
const marks = [CST.DOCUMENT, CST.FLOW_END, CST.SCALAR];

function commentsIn(text: string): readonly Comment[] {
  const comments: Comment[] = [];
  let at = 0;
  let before = "";
  for (const lexeme of new Lexer().lex(text)) {
    if (before !== CST.SCALAR && lexeme.startsWith("#")) {
      comments.push({ text: lexeme.slice(1).trimEnd(), at });
    }
    if (!marks.includes(lexeme)) at += lexeme.length;
    before = lexeme;
  }
  return comments;
}
