import { defineCommand } from "../command.ts";
import { checkEnabledInFile } from "../hook-names.ts";
import { withBus } from "../open.ts";

export const enable = defineCommand<Record<never, never>>({
  name: "enable",
  summary: "switch hooks on again that failures, the receiver or somebody switched off",
  operands: [{ name: "<hook...>", description: "names of hooks" }],
  run: (context, { operands }) =>
    withBus(context, {}, async (bus) => {
      const { output } = context;
      checkEnabledInFile(bus, operands);
      for (const name of new Set(operands)) {
        await bus.enable(name);
        if (output.json) output.object({ hook: name, status: "on" });
        else output.data(`${name} is on; what was accepted for it is due.`);
      }
      return 0;
    }),
});
