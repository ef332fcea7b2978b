import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { findPages, root } from "./markdown.ts";

const pages = await findPages();
const texts = new Map<string, string>();
for (const page of pages) texts.set(page, await readFile(join(root, page), "utf8"));

test.for(pages)("the links of %s lead somewhere", (page) => {
  const broken = linksOf(page).filter(({ target, anchor }) => {
    const text = texts.get(target);
    if (text === undefined) return !existsSync(join(root, target));
    return anchor !== undefined && !anchorsOf(text).has(anchor);
  });

  expect(broken.map(({ link }) => link)).toEqual([]);
});

test("the index names every page of the documentation", () => {
  const listed = new Set(linksOf("docs/README.md").map(({ target }) => target));

  const unlisted = pages.filter((page) => page.startsWith("docs/") && !listed.has(page));

  expect(unlisted).toEqual(["docs/README.md"]);
});

function linksOf(page: string) {
  const prose = (texts.get(page) ?? "").replace(/^ *(`{3,})[\s\S]*?^ *\1$/gm, "");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : normalize(join(dirname(page), path));
      return { link, target, anchor };
    });
}

/** The names that a renderer gives the headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/\s/g, "-"),
    ),
  );
}
