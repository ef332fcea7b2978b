import { defineCommand } from "../command.ts";
import { checkEnabledInFile } from "../hook-names.ts";
import { withBus } from "../open.ts";

interface Options {
  readonly because?: string;
}

export const disable = defineCommand<Options>({
  name: "disable",
  summary: "switch hooks off for all processes; what is accepted for them waits",
  operands: [{ name: "<hook...>", description: "names of hooks" }],
  options: [{ flags: "--because <text>", description: "why, shown by hooks" }],
  run: (context, { operands, options }) =>
    withBus(context, {}, async (bus) => {
      const { output } = context;
      checkEnabledInFile(bus, operands);
      for (const name of new Set(operands)) {
        await bus.disable(name, options.because);
        if (output.json) output.object({ hook: name, status: "disabled" });
        else output.data(`${name} is off until "pipehooks enable ${name}".`);
      }
      return 0;
    }),
});
