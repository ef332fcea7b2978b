import { resolve } from "node:path";
import { HookError, type HookKind } from "@pipehooks/core";
import { findConfig } from "./find.ts";
import type { LoadContext, LoadedConfig, LoadOptions } from "./loaded.ts";
import { readTextFile } from "./read-text.ts";

/**
 * Reads a configuration file: YAML (today's form and the lakehouse-plumber form) or TypeScript. Nothing is opened.
 * @throws ConfigError with every problem of the file at once
 * @throws HookError CONFIG_INVALID when there is no file
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const context = located(options);
  if (isModule(context.file)) {
    const { readModule } = await import("./module-config.ts");
    return readModule(context);
  }
  const { readYaml } = await import("./yaml.ts");
  return readYaml({ ...context, text: readTextFile(context.file) });
}

/** The kinds that a file can use, whatever else is wrong with it: for its JSON Schema. */
export async function loadKindsOf(
  options: LoadOptions = {},
): Promise<ReadonlyMap<string, HookKind>> {
  const context = located(options);
  if (isModule(context.file)) return (await loadConfig({ ...options, file: context.file })).kinds;
  const { readYamlKinds } = await import("./yaml.ts");
  return readYamlKinds({ ...context, text: readTextFile(context.file) });
}

function located({ cwd = process.cwd(), file, ...options }: LoadOptions): LoadContext {
  const { env = process.env, resolveFrom = [], builtIn, emitOnly, standIn } = options;
  const found = file === undefined ? findConfig(cwd) : resolve(cwd, file);
  if (found !== undefined) {
    return { file: found, env, resolveFrom, builtIn, emitOnly, standIn };
  }
  throw new HookError(
    "CONFIG_INVALID",
    `There is no pipehooks.yaml in ${cwd} or above. "pipehooks init" writes a first one.`,
  );
}

function isModule(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}
