import { readFileSync } from "node:fs";
import { findOfficialPlugins } from "@pipehooks/config";
import { expect, test } from "vitest";
import { resolveFrom } from "./workspace.ts";

test("the page on configuration names every official kind with its package", async () => {
  const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));

  const plugins = await findOfficialPlugins({ folder: "/", resolveFrom });

  for (const { name, kinds } of plugins) {
    const row = rows.find((line) => line.includes(`\`${name}\``)) ?? "";
    expect(row.match(/`[a-z-]+`/g)).toEqual(kinds.map((kind) => `\`${kind.name}\``));
  }
  expect(plugins).not.toEqual([]);
});
