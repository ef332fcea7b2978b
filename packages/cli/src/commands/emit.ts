import type { EventFields, JsonObject, Pipehooks, Severity } from "@pipehooks/core";
import { type Context, defineCommand, type ExitStatus } from "../command.ts";
import { inheritedFields } from "../inherited.ts";
import { parseMetadata, parseMetadataJson } from "../metadata.ts";
import { withBus } from "../open.ts";
import { parseOneOf } from "../parse.ts";
import { UsageError } from "../usage-error.ts";

interface Options {
  readonly pipeline?: string;
  readonly flowgroup?: string;
  readonly action?: string;
  readonly table?: string;
  readonly runId?: string;
  readonly subject?: string;
  readonly source?: string;
  readonly time?: string;
  readonly metadata?: readonly string[];
  readonly metadataJson?: JsonObject;
  readonly errorMessage?: string;
  readonly errorSeverity?: Severity;
  readonly id?: string;
  readonly wait?: boolean;
  readonly stdin?: boolean;
}

export const emit = defineCommand<Options>({
  name: "emit",
  summary: "store an event durably and print it",
  operands: [{ name: "[type]", description: "type of the event, such as pipeline.end" }],
  options: [
    { flags: "--pipeline <name>", description: "(default: PIPEHOOKS_PIPELINE, which run sets)" },
    { flags: "--flowgroup <name>", description: "part of the pipeline" },
    { flags: "--action <name>", description: "step of the flowgroup" },
    { flags: "--table <name>", description: "what it is about, such as sales.orders" },
    { flags: "--run-id <id>", description: "(default: PIPEHOOKS_RUN_ID, which run sets)" },
    { flags: "--subject <text>", description: "CloudEvents subject" },
    { flags: "--source <uri>", description: "CloudEvents source (default: the file's)" },
    { flags: "--time <time>", description: "when it happened, RFC 3339 (default: now)" },
    { flags: "--metadata <key=value...>", description: "own data; 42 and true are no texts" },
    {
      flags: "--metadata-json <json>",
      description: "the same as one JSON object",
      parse: parseMetadataJson,
    },
    { flags: "--error-message <text>", description: "what went wrong" },
    {
      flags: "--error-severity <level>",
      description: "INFO, WARNING, ERROR or CRITICAL (default: ERROR)",
      parse: (text) => parseOneOf(["INFO", "WARNING", "ERROR", "CRITICAL"])(text.toUpperCase()),
    },
    { flags: "--id <id>", description: "own id: the same id from the same source is stored once" },
    { flags: "--wait", description: "also deliver, until the event's deliveries are settled" },
    {
      flags: "--stdin",
      description: "read events from stdin, one JSON a line: CloudEvents or the short form",
    },
  ],
  notes: [
    "Examples:",
    "  pipehooks emit pipeline.end --pipeline orders --metadata rows=1200 duration=4.2",
    '  pipehooks emit pipeline.error --pipeline orders --error-message "no such file" --wait',
    `  echo '{"type":"pipeline.end","pipeline":"orders"}' | pipehooks emit --stdin`,
  ],
  async run(context, { operands, options }) {
    if (options.stdin === true) {
      refuseBesideStdin(operands, options);
      const { emitLines } = await import("../emit-lines.ts");
      return emitLines(context, { wait: options.wait ?? false });
    }
    const { type, pairs } = splitType(operands[0], options.metadata ?? []);
    const fields = toFields(options, pairs);
    const { wait = false } = options;
    // Where hooks run, these may emit what they like.
    const use = { deliver: wait, tellsRefusals: true, ...(!wait && { emitOnly: [type] }) };
    return withBus(context, use, (bus) => emitOne(context, bus, { type, fields, wait }));
  },
});

function refuseBesideStdin(operands: readonly string[], options: Options): void {
  const { stdin: _stdin, wait: _wait, ...others } = options;
  const given = [...operands, ...Object.keys(others).map((name) => `--${toFlag(name)}`)];
  if (given.length === 0) return;
  throw new UsageError(`With --stdin everything is in the lines. Leave out: ${given.join(", ")}.`);
}

function toFlag(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

// In `--metadata rows=1 pipeline.end` the last word is the type: an option of several values takes what follows.
function splitType(type: string | undefined, metadata: readonly string[]) {
  const others = metadata.filter((pair) => !pair.includes("="));
  if (type === undefined && others.length === 1) {
    return { type: others[0] as string, pairs: metadata.filter((pair) => pair.includes("=")) };
  }
  if (type !== undefined) return { type, pairs: metadata };
  throw new UsageError('Name the type, such as "pipehooks emit pipeline.end", or give --stdin.');
}

function toFields(options: Options, pairs: readonly string[]): EventFields<JsonObject> {
  const { pipeline, flowgroup, action, table, runId, subject, source, time, id } = options;
  const { errorMessage: message, errorSeverity: severity = "ERROR" } = options;
  if (message === undefined && options.errorSeverity !== undefined) {
    throw new UsageError("--error-severity says nothing without --error-message.");
  }
  const metadata = { ...options.metadataJson, ...parseMetadata(pairs) };
  const inherited = inheritedFields();
  return {
    id,
    source,
    time,
    subject,
    flowgroup,
    action,
    table,
    pipeline: pipeline ?? inherited.pipeline,
    runId: runId ?? inherited.runId,
    metadata,
    traceparent: inherited.traceparent,
    error: message === undefined ? undefined : { message, severity },
  };
}

async function emitOne(
  context: Context,
  bus: Pipehooks,
  { type, fields, wait }: { type: string; fields: EventFields<JsonObject>; wait: boolean },
): Promise<ExitStatus> {
  const { output } = context;
  const result = await bus.emitUnknown(type, fields);
  const { event, duplicate, deliveries } = result;
  const stored = duplicate ? await storedEvent(bus, event) : event;
  if (duplicate) {
    output.say(
      `Duplicate: event ${event.id} from ${event.source} was stored before; this one adds nothing.`,
    );
  }
  if (!wait) {
    if (output.json) output.object({ event: stored, duplicate, deliveries });
    else output.block(stored);
    output.say(
      deliveries.length === 0
        ? "It reaches no hook."
        : `It reaches ${deliveries.map(({ hook, id }) => `${hook} (${id})`).join(", ")}.`,
    );
    return 0;
  }
  if (!output.json) output.block(stored);
  const { waitForDeliveries } = await import("../wait.ts");
  const { status, rows } = await waitForDeliveries(
    context,
    bus,
    deliveries.map(({ id }) => id),
  );
  if (output.json) output.object({ event: stored, duplicate, deliveries: rows });
  else if (deliveries.length === 0) output.say("It reaches no hook.");
  return status;
}

async function storedEvent(bus: Pipehooks, { id, source }: { id: string; source: string }) {
  const [row] = await bus.store.events({ id, source, limit: 1 });
  return row === undefined ? { id, source } : (JSON.parse(row.body) as unknown);
}
