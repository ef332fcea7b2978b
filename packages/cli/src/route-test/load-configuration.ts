import { isConfigError, type LoadedConfig, loadConfig } from "@pipehooks/config";
import { ownPlugins } from "../own-plugins.ts";
import { createStandIns } from "./stand-ins.ts";

/**
 * Loads a configuration to rehearse it: secrets that this machine does not have are replaced.
 * @throws ConfigError, HookError CONFIG_INVALID
 */
export async function loadForRehearsal(file: string): Promise<LoadedConfig> {
  const standIns = createStandIns();
  for (;;) {
    try {
      return await loadConfig({ file, ...ownPlugins(), standIn: standIns.of });
    } catch (error) {
      if (!isConfigError(error)) throw error;
      // What is wrong with a stand-in helps nobody: then say what is missing.
      if (!standIns.improve(error.problems)) return loadConfig({ file, ...ownPlugins() });
    }
  }
}
