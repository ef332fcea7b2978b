import { dirname } from "node:path";
import type { JsonSchema, LoadedPlugin } from "@pipehooks/config";
import { type Context, defineCommand } from "../command.ts";
import { loadConfiguration } from "../open.ts";
import { ownPlugins } from "../own-plugins.ts";
import { printable } from "../text.ts";

interface KindReport {
  readonly kind: string;
  readonly options: readonly OptionReport[];
}

interface OptionReport {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

export const plugins = defineCommand<Record<never, never>>({
  name: "plugins",
  summary: "list the installed plugins, their versions, their kinds and what these take",
  async run(context) {
    const { output } = context;
    const { toJsonSchema } = await import("@pipehooks/config");
    for (const plugin of await installed(context)) {
      const kinds = plugin.kinds.map(
        (kind): KindReport => ({
          kind: kind.name,
          options: optionsOf(toJsonSchema(new Map([[kind.name, kind]]))),
        }),
      );
      if (output.json) {
        const { name, version } = plugin;
        output.object({
          name,
          version,
          kinds,
          sources: plugin.sources.map((source) => source.name),
          events: Object.keys(plugin.events),
        });
      } else {
        output.data(...linesOf(output, plugin, kinds));
      }
    }
    return 0;
  },
});

async function installed(context: Context): Promise<readonly LoadedPlugin[]> {
  const { findConfig, findOfficialPlugins } = await import("@pipehooks/config");
  const file = context.config ?? findConfig();
  const named = file === undefined ? [] : (await loadConfiguration(context)).plugins;
  const official = await findOfficialPlugins({
    folder: file === undefined ? process.cwd() : dirname(file),
    ...ownPlugins(),
  });
  const all = [...named, ...official];
  return [...new Map(all.map((plugin) => [`${plugin.from} ${plugin.name}`, plugin])).values()];
}

function linesOf(
  { colors }: Context["output"],
  { name, version, sources, events }: LoadedPlugin,
  kinds: readonly KindReport[],
): readonly string[] {
  return [
    `${colors.bold(printable(name))} ${printable(version)}`,
    ...kinds.flatMap(({ kind, options }) => {
      const widths = [
        Math.max(0, ...options.map((option) => option.name.length)),
        Math.max(0, ...options.map((option) => option.type.length)),
      ] as const;
      return [
        `  ${colors.cyan(kind)}`,
        ...options.map(({ name, type, required, description }) =>
          [
            `    ${name.padEnd(widths[0])}`,
            colors.dim(type.padEnd(widths[1])),
            required ? "required" : "        ",
            printable(description),
          ]
            .join("  ")
            .trimEnd(),
        ),
      ];
    }),
    ...sources.map((source) => `  ${colors.cyan(source.name)}  (source)`),
    ...Object.keys(events).map((type) => `  ${type}  (event type)`),
  ];
}

/** The options of the one kind in a schema of the file. */
function optionsOf(file: JsonSchema): readonly OptionReport[] {
  const hook = asSchema(file.$defs?.hook);
  const options = asSchema(asSchema(hook?.allOf?.[0])?.then)?.properties?.options;
  const { properties = {}, required = [] } = asSchema(options) ?? {};
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    type: typeText(asSchema(schema)),
    required: required.includes(name),
    description: String(asSchema(schema)?.description ?? ""),
  }));
}

function asSchema(value: unknown): JsonSchema | undefined {
  return typeof value === "object" && value !== null ? (value as JsonSchema) : undefined;
}

function typeText(schema: JsonSchema | undefined): string {
  if (schema === undefined) return "anything";
  if (schema.enum !== undefined) return withoutNull(schema.enum.map(String));
  if (schema.type !== undefined) return withoutNull([schema.type].flat());
  // The second branch of what may come from outside is always a reference.
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
    .map(asSchema)
    .filter((branch) => !isReference(branch));
  return branches.length === 0 ? "anything" : withoutNull([...new Set(branches.map(typeText))]);
}

/** Null only says that an option may be left out. */
function withoutNull(types: readonly string[]): string {
  const others = types.filter((type) => type !== "null");
  return (others.length === 0 ? types : others).join("|");
}

function isReference(schema: JsonSchema | undefined): boolean {
  return schema?.pattern?.startsWith("\\$\\{") === true;
}
