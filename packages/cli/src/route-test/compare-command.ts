import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openStore, toStoreUrl } from "@pipehooks/config";
import { createRedactor } from "@pipehooks/core";
import type { Context, ExitStatus } from "../command.ts";
import { loadWithStandIns } from "../load-with-stand-ins.ts";
import { ownPlugins } from "../own-plugins.ts";
import { formatTable } from "../table.ts";
import { plural, printable } from "../text.ts";
import { iso } from "../time.ts";
import { UsageError } from "../usage-error.ts";
import { type DryRun, type HookComparison, runDry } from "./dry-run.ts";
import { shortened } from "./report.ts";

/** How many ids are listed for people. */
const mostIds = 10;

/** What is compared; times in milliseconds since the epoch. */
export interface Comparison {
  readonly config: string;
  readonly since: number;
  readonly until?: number | undefined;
  readonly hook?: string | undefined;
  /** URL of the store to read. @default the one that the configuration names */
  readonly store?: string | undefined;
}

/** Shows what stored events would have done under a configuration, compared with what they did. */
export async function compareWithConfiguration(
  context: Context,
  options: Comparison,
): Promise<ExitStatus> {
  const { output } = context;
  const { config } = options;
  const loaded = await loadWithStandIns({ file: resolve(config), ...ownPlugins() });
  const secrets = loaded.options.secrets ?? [];
  if (secrets.length > 0) output.protect(createRedactor(secrets));
  const storeUrl = options.store === undefined ? loaded.storeUrl : toUrl(options.store);
  refuseNothing(storeUrl);
  const store = await openStore({ storeUrl, worker: false });
  let run: DryRun;
  try {
    const { since, hook, until = Date.now() } = options;
    run = await runDry({ loaded, store, since, until: Math.min(until, Date.now()), hook });
  } finally {
    await store[Symbol.asyncDispose]();
  }
  if (options.hook !== undefined && run.hooks.length === 0) {
    throw new UsageError(`No hook is called "${options.hook}", in ${config} or in the store.`);
  }
  if (output.json) printJson(context, run);
  else print(context, run);
  output.say(
    `${plural(run.events, "event")} since ${iso(options.since)} from ${store.description}, as ${shortened(loaded.file)} would take them. Nothing was sent or stored.`,
  );
  return 0;
}

function toUrl(url: string): string {
  const said: string[] = [];
  const absolute = toStoreUrl(url, process.cwd(), ({ message }) => void said.push(message));
  if (absolute !== undefined) return absolute;
  throw new UsageError(said.join(" ").replaceAll('"store"', "--store"));
}

/** To open what is not there would make it. */
function refuseNothing(storeUrl: string): void {
  if (storeUrl === "memory:") {
    throw new UsageError(
      "The store is memory, which holds nothing. Name one with --store sqlite:PATH.",
    );
  }
  const file = storeUrl.replace(/^sqlite:/, "");
  if (existsSync(file)) return;
  throw new UsageError(
    `There is no store ${shortened(file)}. Name the one to read with --store sqlite:PATH.`,
  );
}

function printJson({ output }: Context, { events, refused, hooks }: DryRun): void {
  for (const { hook, was, would, same, new: added, gone, gathering } of hooks) {
    output.object({
      hook,
      deliveries: { was, would },
      events: { same, new: added, gone, gathering },
    });
  }
  output.object({ summary: { events, refused } });
}

function print({ output }: Context, { hooks, refused }: DryRun): void {
  const { colors, width } = output;
  const counted = (ids: readonly string[]) => String(ids.length);
  const paint = (color: (text: string) => string) => (text: string) =>
    text === "0" ? text : color(text);
  const lines = formatTable(
    hooks,
    [
      { title: "HOOK", value: ({ hook }) => hook },
      { title: "DELIVERIES", value: ({ was }) => String(was) },
      { title: "WOULD BE", value: ({ would }) => String(would) },
      { title: "EVENTS SAME", value: ({ same }) => counted(same) },
      { title: "NEW", value: (row) => counted(row.new), paint: paint(colors.green) },
      { title: "GONE", value: ({ gone }) => counted(gone), paint: paint(colors.red) },
      {
        title: "GATHERING",
        value: ({ gathering }) => (gathering.length === 0 ? "" : counted(gathering)),
      },
    ],
    { width, title: colors.bold },
  );
  if (hooks.length > 0) output.data(...lines);
  const most = output.verbose ? Number.POSITIVE_INFINITY : mostIds;
  for (const { hook, ...comparison } of hooks) output.data(...idLines(hook, comparison, most));
  for (const { id, type, reason } of refused.slice(0, most)) {
    output.data(`refused: ${printable(`${type} ${id}: ${reason}`)}`);
  }
  if (refused.length > most) output.data(`refused: … and ${refused.length - most} more`);
}

function idLines(
  hook: string,
  { new: added, gone }: Pick<HookComparison, "new" | "gone">,
  most: number,
): readonly string[] {
  return [["new", added] as const, ["gone", gone] as const].flatMap(([what, ids]) => {
    if (ids.length === 0) return [];
    const rest = ids.length > most ? ` … and ${ids.length - most} more (--verbose lists all)` : "";
    return [`${hook}: ${what}: ${ids.slice(0, most).map(printable).join(", ")}${rest}`];
  });
}
