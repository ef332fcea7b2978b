import { dirname } from "node:path";
import type { HookKind } from "@pipehooks/core";
import { type Context, defineCommand } from "../command.ts";
import { ownPlugins } from "../own-plugins.ts";

export const schema = defineCommand<Record<never, never>>({
  name: "schema",
  summary: "print the JSON Schema of pipehooks.yaml, options of the installed kinds included",
  notes: [
    "Editors use it: put this at the top of the file.",
    "  # yaml-language-server: $schema=./pipehooks.schema.json",
  ],
  async run(context) {
    const { toJsonSchema } = await import("@pipehooks/config");
    const jsonSchema = toJsonSchema(await knownKinds(context));
    if (context.output.json) context.output.object(jsonSchema);
    else context.output.data(JSON.stringify(jsonSchema, null, 2));
    return 0;
  },
});

/** Official kinds that are installed, and those that the file names where there is one. */
async function knownKinds({ config }: Context): Promise<ReadonlyMap<string, HookKind>> {
  const { findConfig, findOfficialPlugins, loadKindsOf } = await import("@pipehooks/config");
  const file = config ?? findConfig();
  const own = ownPlugins();
  const official = await findOfficialPlugins({
    folder: file === undefined ? process.cwd() : dirname(file),
    ...own,
  });
  const named = file === undefined ? [] : await loadKindsOf({ file, ...own });
  return new Map([
    ...official.flatMap(({ kinds }) => kinds.map((kind) => [kind.name, kind] as const)),
    ...named,
  ]);
}
