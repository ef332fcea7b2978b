import type { Command } from "./command.ts";

/** Every command by name, in the order of the help; each is imported when it is asked for. */
export const commandLoaders: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./commands/init.ts")).init,
  validate: async () => (await import("./commands/validate.ts")).validate,
  schema: async () => (await import("./commands/schema.ts")).schema,
  migrate: async () => (await import("./commands/migrate.ts")).migrate,
  check: async () => (await import("./commands/check.ts")).check,
  emit: async () => (await import("./commands/emit.ts")).emit,
  run: async () => (await import("./commands/run.ts")).run,
  deliver: async () => (await import("./commands/deliver.ts")).deliver,
  events: async () => (await import("./commands/events.ts")).events,
  deliveries: async () => (await import("./commands/deliveries.ts")).deliveries,
  show: async () => (await import("./commands/show.ts")).show,
  explain: async () => (await import("./commands/explain.ts")).explain,
  replay: async () => (await import("./commands/replay.ts")).replay,
  cancel: async () => (await import("./commands/cancel.ts")).cancel,
  test: async () => (await import("./commands/test.ts")).test,
  hooks: async () => (await import("./commands/hooks.ts")).hooks,
  enable: async () => (await import("./commands/enable.ts")).enable,
  disable: async () => (await import("./commands/disable.ts")).disable,
  plugins: async () => (await import("./commands/plugins.ts")).plugins,
};
