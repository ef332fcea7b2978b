import { readFile } from "node:fs/promises";
import { errorCodes } from "@pipehooks/core";
import { expect, test } from "vitest";

test("the page of errors has one section for each code, in the order of the list", async () => {
  const page = await readFile(new URL("../errors.md", import.meta.url), "utf8");

  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title);

  expect(sections).toEqual([...errorCodes]);
});

test("each section of the page of errors says something", async () => {
  const page = await readFile(new URL("../errors.md", import.meta.url), "utf8");

  const texts = page.split(/^## .+$/m).slice(1);

  for (const text of texts) expect(text.trim().split("\n").length).toBeGreaterThanOrEqual(2);
});
