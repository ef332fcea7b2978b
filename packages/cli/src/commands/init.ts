import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { firstConfiguration, receiver } from "../first-configuration.ts";
import { ownPlugins } from "../own-plugins.ts";
import { UsageError } from "../usage-error.ts";

interface Options {
  readonly force?: boolean;
}

export const init = defineCommand<Options>({
  name: "init",
  summary: "write a first pipehooks.yaml that works, and its JSON Schema for editors",
  options: [{ flags: "--force", description: "write over what is there" }],
  notes: ["Writes into this folder, or where --config says."],
  async run({ output, config }, { options: { force = false } }) {
    const { configFileNames, findOfficialPlugins, toJsonSchema } = await import(
      "@pipehooks/config"
    );
    const file = resolve(config ?? "pipehooks.yaml");
    if (!/\.ya?ml$/.test(file))
      throw new UsageError(`${file}: a first configuration is YAML. Name a .yaml file.`);
    const folder = dirname(file);
    const schemaFile = join(folder, `${basename(file).replace(/\.ya?ml$/, "")}.schema.json`);
    const others =
      config === undefined ? configFileNames.map((name) => join(folder, name)) : [file];
    const there = [...others, schemaFile].filter((path) => existsSync(path));
    if (there.length > 0 && !force) {
      throw new UsageError(
        `${there.join(" and ")} ${there.length > 1 ? "are" : "is"} there already. --force writes over it.`,
      );
    }
    const official = await findOfficialPlugins({ folder, ...ownPlugins() });
    const kinds = new Map(
      official.flatMap((plugin) => plugin.kinds.map((kind) => [kind.name, kind] as const)),
    );
    const flag = force ? "w" : "wx";
    await mkdir(folder, { recursive: true });
    await writeFile(schemaFile, `${JSON.stringify(toJsonSchema(kinds), null, 2)}\n`, { flag });
    await writeFile(file, firstConfiguration(`./${basename(schemaFile)}`), { flag });
    if (output.json) output.object({ written: [file, schemaFile] });
    else output.data(...[file, schemaFile].map((path) => relative(process.cwd(), path) || path));
    output.say(
      [
        "",
        "See it work, with a receiver in a second terminal:",
        `  ${receiver}`,
        "and here:",
        "  pipehooks emit pipeline.end --pipeline orders --metadata rows=42",
        "  pipehooks deliver",
      ].join("\n"),
    );
    return 0;
  },
});
