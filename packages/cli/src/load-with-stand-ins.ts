import { isConfigError, type LoadedConfig, type LoadOptions, loadConfig } from "@pipehooks/config";
import { createStandIns } from "./stand-ins.ts";

/**
 * Loads a configuration where nothing is sent: what its hooks have from outside and this process lacks is replaced.
 * @throws ConfigError, HookError CONFIG_INVALID
 */
export async function loadWithStandIns(options: LoadOptions): Promise<LoadedConfig> {
  const standIns = createStandIns();
  for (;;) {
    try {
      return await loadConfig({ ...options, standIn: standIns.of });
    } catch (error) {
      if (!isConfigError(error)) throw error;
      // What is wrong with a stand-in helps nobody: then say what is missing.
      if (!standIns.improve(error.problems)) return loadConfig(options);
    }
  }
}

/**
 * The same for a process that works with the store itself, after its configuration was refused: nothing stands in for what
 * the store or the source of events is made of.
 * @throws the refusal, ConfigError, HookError CONFIG_INVALID
 */
export async function loadToDeliverNothing(
  options: LoadOptions,
  refusal: unknown,
): Promise<LoadedConfig> {
  if (!isConfigError(refusal) || !refusal.problems.every(isOfHook)) throw refusal;
  return loadWithStandIns(options);
}

function isOfHook({ path }: { readonly path: string }): boolean {
  return /^hooks\[\d+\]\.options\b|^plugins\.config\./.test(path);
}
