import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const migrate = defineCommand<Record<never, never>>({
  name: "migrate",
  summary: "print a file in the lakehouse-plumber form as today's pipehooks.yaml",
  operands: [
    { name: "[file]", description: "the file to convert (default: --config, or the one found)" },
  ],
  notes: ["Example: pipehooks migrate plumber.yaml > pipehooks.yaml"],
  async run({ output, config }, { operands: [operand] }) {
    const { findConfig, migrate: convert, readTextFile } = await import("@pipehooks/config");
    const file = operand ?? config ?? findConfig();
    if (file === undefined)
      throw new UsageError("There is no pipehooks.yaml here or above. Name the file.");
    const yaml = convert(readTextFile(file), file);
    if (output.json) output.object({ file, yaml });
    else output.data(yaml.trimEnd());
    return 0;
  },
});
