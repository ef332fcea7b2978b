import type { HookCheck } from "@pipehooks/core";
import { defineCommand } from "../command.ts";
import { checkHookNames } from "../hook-names.ts";
import { withBus } from "../open.ts";
import type { Colors } from "../output.ts";
import { showProgress } from "../progress.ts";
import { printable } from "../text.ts";
import { parseSpan } from "../time.ts";

interface Options {
  readonly timeout?: number;
}

export const check = defineCommand<Options>({
  name: "check",
  summary: "ask hooks whether they could deliver (reachability, credentials); sends nothing",
  operands: [{ name: "[hook...]", description: "names of hooks (default: all)" }],
  options: [
    {
      flags: "--timeout <duration>",
      description: "for each hook (default: 10s)",
      parse: parseSpan,
    },
  ],
  run: (context, { operands, options }) =>
    withBus(context, { usesHooks: true }, async (bus) => {
      const { output } = context;
      checkHookNames(bus, operands);
      const names = operands.length === 0 ? undefined : operands;
      let checks: readonly HookCheck[];
      {
        using _progress = showProgress(output, () => "checking…");
        checks = await bus.check(names, options.timeout, { verbose: output.verbose });
      }
      const width = Math.max(0, ...checks.map(({ hook }) => hook.length));
      for (const { hook, status, summary, details } of checks) {
        if (output.json) output.object({ hook, status, summary, ...(details && { details }) });
        else
          output.data(
            `${markOf(status, output.colors)} ${hook.padEnd(width)}  ${printable(summary)}`,
          );
        if (!output.json) for (const line of details ?? []) output.data(`    ${printable(line)}`);
      }
      if (checks.length === 0) output.say("No hooks are configured.");
      return checks.some(({ status }) => status === "failed") ? 1 : 0;
    }),
});

function markOf(status: HookCheck["status"], colors: Colors): string {
  if (status === "ok") return colors.green("✓");
  return status === "failed" ? colors.red("✗") : colors.dim("–");
}
