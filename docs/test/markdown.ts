import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced code block of a page. */
export interface Block {
  /** `README.md:12`, the line of its first line of code. */
  readonly place: string;
  readonly page: string;
  readonly line: number;
  readonly language: string;
  /** Stands as `ts run` in the page: it must also end well when executed. */
  readonly runs: boolean;
  readonly code: string;
}

/** Every page that people read, as paths from the root. */
export async function findPages(): Promise<readonly string[]> {
  const patterns = ["*.md", "docs/**/*.md", "packages/**/README.md", "examples/**/README.md"];
  const exclude = (path: string) => path.includes("node_modules");
  const pages: string[] = [];
  for await (const page of glob(patterns, { cwd: root, exclude })) pages.push(page);
  return pages.sort();
}

/** The blocks of every page, but for those under `<!-- not run: reason -->`. */
export async function readBlocks(): Promise<readonly Block[]> {
  const pages = await findPages();
  const texts = await Promise.all(pages.map((page) => readFile(root + page, "utf8")));
  return texts.flatMap((text, index) => toBlocks(pages[index] ?? "", text));
}

/** @throws Error for a block that is not closed, or left out without a reason */
export function toBlocks(page: string, text: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let before = "";
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent, fence, info] = /^(\s*)(`{3,})\s*(.*)$/.exec(lines[at] ?? "") ?? [];
    if (indent === undefined || fence === undefined || info === undefined) {
      if (lines[at]?.trim() !== "") before = lines[at] ?? "";
      continue;
    }
    const end = lines.findIndex((line, i) => i > at && line.trim() === fence);
    if (end < 0) throw new Error(`${page}:${at + 1}: the code block is not closed.`);
    const [language = "", mark] = info.split(" ");
    const code = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    const place = `${page}:${at + 2}`;
    if (!isLeftOut(before, place)) {
      const runs = mark === "run";
      blocks.push({ place, page, line: at + 2, language, runs, code: `${code.join("\n")}\n` });
    }
    before = "";
    at = end;
  }
  return blocks;
}

function isLeftOut(before: string, place: string): boolean {
  const [comment, reason] = /^\s*<!-- not run:?(.*)-->\s*$/.exec(before) ?? [];
  if (comment !== undefined && reason?.trim() === "") {
    throw new Error(`${place}: say why: <!-- not run: reason -->.`);
  }
  return comment !== undefined;
}
