import { basename } from "node:path";
import { defineCommand } from "../command.ts";
import { loadConfiguration } from "../open.ts";
import { plural } from "../text.ts";

/** Names of hooks that are shown; with `--json` all are. */
const mostNames = 20;

export const validate = defineCommand<Record<never, never>>({
  name: "validate",
  summary: "check the configuration, all of it",
  async run(context) {
    const { output } = context;
    const { isConfigError } = await import("@pipehooks/config");
    try {
      const { file, options, plugins, storeUrl, warnings } = await loadConfiguration(context);
      const hooks = (options.hooks ?? []).map(({ name }) => name);
      if (output.json) {
        output.object({ valid: true, file, store: storeUrl, hooks, problems: [], warnings });
        return 0;
      }
      const more = hooks.length - mostNames;
      const shown = [...hooks.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])];
      const names = hooks.length === 0 ? "" : ` (${shown.join(", ")})`;
      output.data(
        `${output.colors.green("✓")} ${basename(file)}: ${plural(hooks.length, "hook")}${names}, ${plural(plugins.length, "plugin")}`,
      );
      return 0;
    } catch (error) {
      if (!output.json || !isConfigError(error)) throw error;
      const file = error.problems[0]?.file;
      output.object({ valid: false, file, problems: error.problems, warnings: [] });
      return 2;
    }
  },
});
