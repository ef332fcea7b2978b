import { findOfficialPlugins, toJsonSchema } from "@pipehooks/config";
import { expect, test } from "vitest";
import { root } from "./markdown.ts";

test("the schema for editors is that of the official plugins; `pnpm schema` renews it", async () => {
  const plugins = await findOfficialPlugins({ folder: root, resolveFrom: [] });

  const kinds = new Map(
    plugins.flatMap((plugin) => plugin.kinds.map((kind) => [kind.name, kind] as const)),
  );

  const text = `${JSON.stringify(toJsonSchema(kinds), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot("../pipehooks.schema.json");
});
