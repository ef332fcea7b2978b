import type { PluginSearch } from "@pipehooks/config";
import { version } from "./version.ts";

/** The plugins that come with the command, behind those of the user's folder. */
export function ownPlugins(): Omit<PluginSearch, "folder"> {
  return {
    resolveFrom: [import.meta.url],
    builtIn: {
      version,
      plugins: { "@pipehooks/webhook": () => import("@pipehooks/webhook") },
    },
  };
}
