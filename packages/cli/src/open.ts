import type { LoadedConfig } from "@pipehooks/config";
import type { Logger, Pipehooks } from "@pipehooks/core";
import type { Context } from "./command.ts";
import type { Output } from "./output.ts";
import { ownPlugins } from "./own-plugins.ts";

/** What a killed process had under way is taken over by another one after this long. */
const leaseMs = 10_000;

/** How a command uses the bus. */
export interface BusUse {
  /** Whether this process delivers. @default false */
  readonly deliver?: boolean;
  /** Whether SQLite gets a thread of its own: for many events; a short command starts sooner without. @default false */
  readonly worker?: boolean;
  /** Whether the command itself tells of each event that is refused: then the bus need not. @default false */
  readonly tellsRefusals?: boolean;
  /** The only event types that are emitted: schemas of others are left alone. @default all */
  readonly emitOnly?: readonly string[];
  /** Whether the hooks are used without being delivered to, so that they need what they have from outside. @default false */
  readonly usesHooks?: boolean;
  /** How long deliveries under way may take when the command is done. @default 10_000 */
  readonly closeMs?: number;
}

/** Reads the configuration; from then on its secrets are taken out of all that is written. */
export async function loadConfiguration(
  { output, config }: Context,
  {
    emitOnly,
    usesHooks = true,
  }: { emitOnly?: BusUse["emitOnly"] | undefined; usesHooks?: boolean } = {},
): Promise<LoadedConfig> {
  // Loaded here, so that --help and --version do not wait for it.
  const { formatProblem, loadConfig } = await import("@pipehooks/config");
  const { createRedactor } = await import("@pipehooks/core");
  const options = { file: config, ...ownPlugins(), emitOnly };
  const loaded = await loadConfig(options).catch(async (refusal: unknown) => {
    if (usesHooks) throw refusal;
    const { loadToDeliverNothing } = await import("./load-with-stand-ins.ts");
    return loadToDeliverNothing(options, refusal);
  });
  const secrets = loaded.options.secrets ?? [];
  if (secrets.length > 0) output.protect(createRedactor(secrets));
  for (const problem of loaded.warnings) output.warn(formatProblem(problem));
  return loaded;
}

/** Opens the bus of the configuration for the time of `work`. */
export async function withBus<Result>(
  context: Context,
  use: BusUse,
  work: (bus: Pipehooks) => Promise<Result>,
): Promise<Result> {
  const { output } = context;
  const { deliver = false, usesHooks = deliver } = use;
  const loaded = await loadConfiguration(context, { emitOnly: use.emitOnly, usesHooks });
  const { openPipehooks } = await import("@pipehooks/config");
  const { letGoOfNothing } = await import("@pipehooks/core");
  const bus = await openPipehooks(loaded, {
    deliver,
    worker: use.worker ?? false,
    leaseMs,
    logger: createLogger(output, use.tellsRefusals ?? false),
  });
  if (bus.hooks.some(({ secrets }) => secrets.length > 0)) output.protect(bus.redact);
  if (!bus.store.durable) {
    output.warn(
      "The store is memory: it is empty at the start of each command, and lost at its end.",
    );
  }
  // No code but hooks' runs here, and one of them may do it again.
  process.once("uncaughtExceptionMonitor", letGoOfNothing);
  try {
    return await work(bus);
  } finally {
    await bus.close({ timeoutMs: use.closeMs ?? 10_000, deliverDue: false });
    process.off("uncaughtExceptionMonitor", letGoOfNothing);
  }
}

/** The bus's own talk, in the command's voice. */
function createLogger(output: Output, tellsRefusals: boolean): Logger {
  const tail = (fields?: Readonly<Record<string, unknown>>) =>
    fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
  return {
    debug: (message, fields) => output.detail(message + tail(fields)),
    info: (message, fields) => output.detail(message + tail(fields)),
    warn: (message, fields) => output.warn(message + tail(fields)),
    error: (message, fields) => {
      if (tellsRefusals) output.detail(message + tail(fields));
      else output.error(message + tail(fields));
    },
  };
}
