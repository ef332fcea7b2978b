import { basename } from "node:path";
import { defineCommand } from "../command.ts";
import { loadConfiguration } from "../open.ts";
import { plural } from "../text.ts";

export const validate = defineCommand<Record<never, never>>({
  name: "validate",
  summary: "check the configuration, all of it",
  async run(context) {
    const { output } = context;
    const { isConfigError } = await import("@pipehooks/config");
    const { namesText } = await import("@pipehooks/core");
    try {
      const { file, options, plugins, storeUrl, warnings } = await loadConfiguration(context);
      const hooks = (options.hooks ?? []).map(({ name }) => name);
      if (output.json) {
        output.object({ valid: true, file, store: storeUrl, hooks, problems: [], warnings });
        return 0;
      }
      const names = hooks.length === 0 ? "" : ` (${namesText(hooks)})`;
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
