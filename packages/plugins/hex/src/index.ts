import { definePlugin, type Plugin } from "@pipehooks/core";
import { hexEvents } from "./events.ts";
import { hexRun } from "./hex-run.ts";
import { version } from "./version.ts";

export {
  createHexClient,
  type HexClient,
  type HexClientOptions,
  type HexMe,
  type HexProjectInfo,
  type HexRunInfo,
  type HexRunsPage,
  type HexStarted,
  type HexTable,
} from "./client.ts";
export { hexEvents } from "./events.ts";
export type { HexNotification, HexRunOptions } from "./options.ts";
export { hexRun };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/hex",
  version,
  core: `^${version}`,
  hooks: [hexRun],
  events: hexEvents,
});
export default plugin;
