export { type CheckedYaml, readCheckedYaml } from "./checked-yaml.ts";
export { defineConfig, type KindHookConfig, type PipehooksConfig } from "./define-config.ts";
export { configFileNames, findConfig } from "./find.ts";
export { toJsonSchema } from "./json-schema.ts";
export { findOfficialPlugins } from "./kinds.ts";
export { loadConfig, loadKindsOf } from "./load.ts";
export type {
  Durability,
  LoadedConfig,
  LoadedOptions,
  LoadOptions,
  MissingReference,
} from "./loaded.ts";
export { migrate } from "./migrate.ts";
export { type OpenOptions, openPipehooks, openStore } from "./open.ts";
export type { BuiltIn, LoadedPlugin, PluginSearch } from "./plugins.ts";
export { ConfigError, formatProblem, isConfigError, type Problem } from "./problem.ts";
export { readTextFile } from "./read-text.ts";
export type { JsonSchema } from "./shape.ts";
export { toStoreUrl } from "./store-url.ts";
