import { listUpcoming, type Pipehooks } from "@pipehooks/core";
import type { Context } from "./command.ts";
import { formatTable } from "./table.ts";
import { relative } from "./time.ts";

/** Shows what happens next by itself, soonest first. */
export async function printUpcoming({ output }: Context, bus: Pipehooks): Promise<void> {
  const now = Date.now();
  const rows = await listUpcoming(bus, now);
  if (output.json) {
    for (const row of rows) output.object(row);
    return;
  }
  if (rows.length === 0) {
    output.say("Nothing is waited for.");
    return;
  }
  const { colors, width } = output;
  const lines = formatTable(
    rows,
    [
      { title: "WHEN", value: ({ at }) => whenText(at, now) },
      { title: "AT", value: ({ at = "" }) => at, paint: colors.dim },
      { title: "HOOK", value: ({ hooks }) => hooks.join(", "), shrinksTo: 10 },
      { title: "KEY", value: ({ key }) => key ?? "", shrinksTo: 10 },
      { title: "DELIVERY", value: ({ delivery = "" }) => delivery },
      {
        title: "WHAT",
        value: ({ text }) => text,
        paint: (text, { configured }) => (configured ? text : colors.yellow(text)),
        shrinksTo: 20,
      },
    ],
    { width, title: colors.bold },
  );
  output.data(...lines);
}

function whenText(at: string | undefined, now: number): string {
  if (at === undefined) return "never";
  const ms = Date.parse(at);
  return ms <= now ? "due" : relative(ms, now);
}
