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
 * The same for a process that works with the store itself: nothing stands in for what the store or the source of events is
 * made of.
 * @throws ConfigError, HookError CONFIG_INVALID
 */
export async function loadToDeliverNothing(options: LoadOptions): Promise<LoadedConfig> {
  try {
    return await loadConfig(options);
  } catch (error) {
    if (!isConfigError(error) || !error.problems.every(isOfHook)) throw error;
    return await loadWithStandIns(options);
  }
}

function isOfHook({ path }: { readonly path: string }): boolean {
  return /^hooks\[\d+\]\.options\b|^plugins\.config\./.test(path);
}
