import { compilePatterns, type PipehooksEvent } from "@pipehooks/core";
import { type Context, defineCommand } from "../command.ts";
import { allEvents } from "../ids.ts";
import { withBus } from "../open.ts";
import { parseCount } from "../parse.ts";
import { formatTable } from "../table.ts";
import { parsePointInTime, relative } from "../time.ts";

interface Options {
  readonly type?: string;
  readonly pipeline?: string;
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
}

const defaultLimit = 50;

export const events = defineCommand<Options>({
  name: "events",
  summary: "list events, newest first",
  options: [
    { flags: "--type <glob>", description: "such as pipeline.end or 'pipeline.*'" },
    { flags: "--pipeline <glob>", description: "such as orders or 'prod_*'" },
    {
      flags: "--since <time>",
      description: "accepted since: 2h (ago), or a date (UTC)",
      parse: parsePointInTime,
    },
    { flags: "--until <time>", description: "accepted before", parse: parsePointInTime },
    {
      flags: "--limit <number>",
      description: `at most so many (default: ${defaultLimit})`,
      parse: parseCount,
    },
  ],
  notes: ["With --json each line is an event, which emit --stdin takes again."],
  run: (context, { options }) =>
    withBus(context, {}, async (bus) => {
      const { type, pipeline, since, until, limit = defaultLimit } = options;
      const fitsType = globOf(type);
      const fitsPipeline = globOf(pipeline);
      const query = {
        since,
        until,
        ...(fitsType === undefined && { type }),
        ...(fitsPipeline === undefined && { pipeline }),
      };
      const filtered = fitsType !== undefined || fitsPipeline !== undefined;
      const step = filtered ? 1000 : Math.min(limit, 1000);
      const found: { readonly event: PipehooksEvent; readonly acceptedAt: number }[] = [];
      for await (const { body, acceptedAt } of allEvents(bus.store, query, step)) {
        const event = JSON.parse(body) as PipehooksEvent;
        if (fitsType?.(event.type) === false || fitsPipeline?.(event.pipeline ?? "") === false)
          continue;
        found.push({ event, acceptedAt });
        if (found.length >= limit || context.output.gone.aborted) break;
      }
      print(context, found);
      return 0;
    }),
});

/** A test for what has glob characters in it; an exact name is the store's business. */
function globOf(text: string | undefined): ((text: string) => boolean) | undefined {
  return text !== undefined && /[*?[\]{}!()|]/.test(text) ? compilePatterns([text]) : undefined;
}

function print(
  { output }: Context,
  found: readonly { readonly event: PipehooksEvent; readonly acceptedAt: number }[],
): void {
  if (output.json) {
    for (const { event } of found) output.object(event);
    return;
  }
  if (found.length === 0) {
    output.say("No events.");
    return;
  }
  const now = Date.now();
  const { colors, width } = output;
  const lines = formatTable(
    found,
    [
      { title: "ACCEPTED", value: (row) => relative(row.acceptedAt, now), paint: colors.dim },
      { title: "ID", value: (row) => row.event.id, shrinksTo: 13 },
      {
        title: "TYPE",
        value: (row) => row.event.type,
        paint: (text, row) => (row.event.error === undefined ? text : colors.red(text)),
        shrinksTo: 12,
      },
      { title: "PIPELINE", value: (row) => row.event.pipeline ?? "", shrinksTo: 10 },
      { title: "WHERE", value: (row) => whereOf(row.event), shrinksTo: 8 },
      { title: "ERROR", value: (row) => row.event.error?.message ?? "", shrinksTo: 8 },
    ],
    { width, title: colors.bold },
  );
  output.data(...lines);
}

function whereOf({ flowgroup, action, table, subject }: PipehooksEvent): string {
  return [flowgroup, action, table ?? subject].filter((part) => part !== undefined).join(" / ");
}
