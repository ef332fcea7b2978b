import { CommanderError, InvalidArgumentError, Command as Program } from "commander";
import type { Command, ExitStatus, Option } from "./command.ts";
import { createOutput, type Output, type OutputOptions, type Streams } from "./output.ts";
import { commandLoaders } from "./registry.ts";
import { UsageError } from "./usage-error.ts";
import { version } from "./version.ts";

interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
}

/**
 * Runs the command line in this process, with its streams; answers the exit status. `onOutput` learns how the
 * command talks, secrets taken out.
 */
export async function main(
  args: readonly string[],
  streams: Streams = process,
  onOutput: (output: Output) => void = () => {},
): Promise<ExitStatus> {
  let status: ExitStatus = 0;
  const program = createProgram(streams);
  // Before the options are read, what goes wrong is said with these.
  let output = createOutput(optionsFrom({ verbose: args.includes("--verbose") }), streams);
  for (const command of await commandsFor(args)) {
    register(program, command, async (globals, input) => {
      output = createOutput(optionsFrom(globals), streams);
      onOutput(output);
      status = await command.run({ output, config: globals.config }, input);
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    output.status("");
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return fail(error, output);
  }
}

/** Only the named command is loaded; the help, and a name that is none, need all. */
async function commandsFor(args: readonly string[]): Promise<readonly Command[]> {
  const load = commandLoaders[commandNameIn(args) ?? ""];
  if (load !== undefined) return [await load()];
  if (args.length === 1 && ["--version", "-V"].includes(args[0] ?? "")) return [];
  return Promise.all(Object.values(commandLoaders).map((each) => each()));
}

function commandNameIn(args: readonly string[]): string | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return undefined;
    if (arg === "-c" || arg === "--config") at += 1;
    else if (!arg.startsWith("-")) return Object.hasOwn(commandLoaders, arg) ? arg : undefined;
  }
  return undefined;
}

function createProgram({ stdout, stderr }: Streams): Program {
  return new Program("pipehooks")
    .description("Event hooks for data pipelines: emit, deliver, look, replay.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .option(
      "-c, --config <file>",
      "configuration (default: pipehooks.yaml|yml|config.ts here or above)",
    )
    .option("--json", "data as JSON: one value a line")
    .option("--quiet", "no talk but errors")
    .option("--verbose", "more talk, and the stack of what was not expected")
    .option("--no-color", "no colours")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showHelpAfterError("(--help says how it is used)")
    .exitOverride()
    .addHelpText(
      "after",
      "\nExit status: 0 done; 1 it ran and something failed; 2 usage or configuration.",
    );
}

function register(
  program: Program,
  command: Command,
  action: (
    globals: GlobalOptions,
    input: { operands: readonly string[]; options: Readonly<Record<string, unknown>> },
  ) => Promise<void>,
): void {
  const sub = program.command(command.name).summary(command.summary).description(command.summary);
  for (const { name, description } of command.operands ?? []) sub.argument(name, description);
  for (const option of command.options ?? []) {
    sub.option(option.flags, option.description, parserOf(option));
  }
  if (command.hint !== undefined) sub.showHelpAfterError(`(${command.hint})`);
  if (command.notes !== undefined) sub.addHelpText("after", `\n${command.notes.join("\n")}`);
  sub.action(async () => {
    await action(sub.optsWithGlobals(), { operands: sub.args, options: sub.opts() });
  });
}

function parserOf({ parse, flags }: Option): (text: string, before: unknown) => unknown {
  const isRepeated = flags.includes("...");
  return (text, before) => {
    try {
      const value = parse === undefined ? text : parse(text);
      return isRepeated ? [...((before as unknown[] | undefined) ?? []), value] : value;
    } catch (error) {
      if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

function optionsFrom(globals: GlobalOptions): OutputOptions {
  const { json = false, quiet = false, verbose = false, color = true } = globals;
  return { json, quiet, verbose, color };
}

async function fail(error: unknown, output: Output): Promise<ExitStatus> {
  const { exitStatusOf, isExpected, textOf } = await import("./exit.ts");
  output.error(textOf(error));
  if (output.verbose && error instanceof Error) {
    output.detail(error.stack ?? "");
    if (error.cause !== undefined) output.detail(`caused by ${textOf(error.cause)}`);
  } else if (!isExpected(error)) {
    output.say("This was not expected. --verbose shows where it happened.");
  }
  return exitStatusOf(error);
}
