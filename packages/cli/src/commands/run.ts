import { basename } from "node:path";
import { createId, messageOf } from "@pipehooks/core";
import { type Ended, runChild } from "../child.ts";
import { type Context, defineCommand } from "../command.ts";
import { parseMetadata } from "../metadata.ts";
import { withBus } from "../open.ts";
import { UsageError } from "../usage-error.ts";

interface Options {
  readonly pipeline?: string;
  readonly runId?: string;
  readonly metadata?: readonly string[];
}

export const run = defineCommand<Options>({
  name: "run",
  summary: "run a command between pipeline.start and pipeline.end or pipeline.error",
  operands: [{ name: "[command...]", description: "behind --: the command and its arguments" }],
  options: [
    { flags: "--pipeline <name>", description: "name of the pipeline" },
    { flags: "--run-id <id>", description: "(default: a new one)" },
    { flags: "--metadata <key=value...>", description: "metadata of pipeline.start" },
  ],
  notes: [
    "The command gets our streams and signals, PIPEHOOKS_PIPELINE, PIPEHOOKS_RUN_ID and TRACEPARENT; its exit status",
    "is ours. pipeline.error carries the end of its stderr. Where the configuration is wrong, or the store cannot be used,",
    "the command runs all the same, and that is said.",
    "Example: pipehooks run --pipeline orders -- dbt build --select orders",
  ],
  hint: "write -- before the command: pipehooks run --pipeline NAME -- COMMAND",
  async run(context, { operands, options }) {
    const { pipeline, runId = createId(Date.now()) } = options;
    if (pipeline === undefined) throw new UsageError("Name the pipeline: --pipeline NAME.");
    if (pipeline.trim() === "") {
      throw new UsageError("The pipeline's name is empty: --pipeline NAME.");
    }
    if (operands.length === 0) {
      throw new UsageError(
        `Name the command behind --: pipehooks run --pipeline ${pipeline} -- COMMAND`,
      );
    }
    const metadata = parseMetadata(options.metadata ?? []);
    const env = { ...process.env, PIPEHOOKS_PIPELINE: pipeline, PIPEHOOKS_RUN_ID: runId };
    let ended: Ended | undefined;
    try {
      await withBus(loudly(context, pipeline), {}, (bus) =>
        bus.pipeline(
          pipeline,
          async (scope) => {
            ended = await runChild(operands, env);
            if (ended.neverRan) context.output.error(ended.failure ?? "");
            scope.add({ exit_code: ended.status });
            if (ended.failure !== undefined)
              throw commandFailed(ended, operands[0] ?? "", bus.redact);
          },
          {
            runId,
            metadata: { ...metadata, command: basename(operands[0] ?? "") },
          },
        ),
      );
    } catch (error) {
      if (ended === undefined) return runAlone(context, operands, { env, why: error });
      if (!(error instanceof CommandFailed)) {
        context.output.error(`The events of this run may be lost: ${messageOf(error)}`);
      }
    }
    return ended?.status ?? 1;
  },
});

/** Without Pipehooks, whatever is wrong with it: a pipeline never dies of who is to be told of it. */
async function runAlone(
  { output }: Context,
  command: readonly string[],
  { env, why }: { readonly env: NodeJS.ProcessEnv; readonly why: unknown },
): Promise<number> {
  const { textOf } = await import("../exit.ts");
  output.error(textOf(why));
  output.error("The command runs all the same, and nobody is told of it.");
  const { neverRan, failure = "", status } = await runChild(command, env);
  if (neverRan) output.error(failure);
  return status;
}

/** What `pipeline.error` says: class, exit code, and the end of stderr where a stack would stand. */
class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly code: string;

  constructor(message: string, { code, stderr }: { code: string; stderr: string }) {
    super(message);
    this.code = code;
    this.stack = stderr;
  }
}

function commandFailed(
  { failure = "", code, stderr }: Ended,
  command: string,
  redact: (text: string) => string,
): CommandFailed {
  const message = failure.replace(command, basename(command));
  return new CommandFailed(redact(message), { code, stderr: redact(stderr) });
}

/** The run's own events are what this command is for: their loss is said even with --quiet. */
function loudly(context: Context, pipeline: string): Context {
  const { output } = context;
  return {
    ...context,
    output: {
      ...output,
      warn: (text) => output.error(`pipeline ${pipeline}: ${text}`),
    },
  };
}
