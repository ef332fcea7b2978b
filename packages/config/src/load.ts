import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { HookError, type HookKind, messageOf } from "@pipehooks/core";
import { findConfig } from "./find.ts";
import type { LoadContext, LoadedConfig, LoadOptions } from "./loaded.ts";
import { ConfigError, Problems } from "./problem.ts";

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
  return readYaml({ ...context, text: readText(context.file) });
}

/** The kinds that a file can use, whatever else is wrong with it: for its JSON Schema. */
export async function loadKindsOf(
  options: LoadOptions = {},
): Promise<ReadonlyMap<string, HookKind>> {
  const context = located(options);
  if (isModule(context.file)) return (await loadConfig({ ...options, file: context.file })).kinds;
  const { readYamlKinds } = await import("./yaml.ts");
  return readYamlKinds({ ...context, text: readText(context.file) });
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

function readText(file: string): string {
  const bytes = readBytes(file);
  // Windows puts a byte order mark in front.
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (isUtf8(bytes)) return text;
  const problems = new Problems(file, text);
  const message = "The file is not in UTF-8: here it cannot be read. Save it as UTF-8.";
  problems.add({ at: text.indexOf("\uFFFD"), path: "", message });
  throw new ConfigError(problems.errors((said) => said, undefined));
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = String(Reflect.get(Object(cause), "code"));
    const why = { ENOENT: "it does not exist", EISDIR: "it is a folder" }[code] ?? messageOf(cause);
    throw new HookError("CONFIG_INVALID", `${file} cannot be read: ${why}.`, { cause });
  }
}
