import { definePlugin, type Plugin } from "@pipehooks/core";
import { heartbeat } from "./heartbeat.ts";

export type { HeartbeatOptions } from "./options.ts";
export { heartbeat };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/example-custom-hook-package",
  version: "0.1.0",
  core: ">=0.0.0 <1.0.0",
  hooks: [heartbeat],
});
export default plugin;
