import type { Output } from "./output.ts";

/** 0 done; 1 it ran and something failed; 2 usage or configuration. `run` passes on its command's own status. */
export type ExitStatus = number;

/** One command of the program: a plain description, and what it does. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Operands, in commander's syntax: `[type]`, `<id...>`. */
  readonly operands?: readonly Operand[];
  readonly options?: readonly Option[];
  /** Lines shown under the help: what the options do not say, and examples. */
  readonly notes?: readonly string[];
  /** What to do when it was typed wrongly. @default a hint at --help */
  readonly hint?: string;
  readonly run: (context: Context, input: Input) => Promise<ExitStatus>;
}

export interface Operand {
  readonly name: string;
  readonly description: string;
}

export interface Option {
  /** In commander's syntax: `--limit <number>`. */
  readonly flags: string;
  readonly description: string;
  /** @throws UsageError when the text is not one */
  readonly parse?: (text: string) => unknown;
}

/** What every command gets. */
export interface Context {
  readonly output: Output;
  /** The file that `--config` names. */
  readonly config: string | undefined;
}

export interface Input {
  readonly operands: readonly string[];
  /** By name in camelCase; what was not given is absent. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A command whose options have the given types, as its descriptions' parsers make them. */
export function defineCommand<Options>(
  command: Omit<Command, "run"> & {
    readonly run: (
      context: Context,
      input: { readonly operands: readonly string[]; readonly options: Options },
    ) => Promise<ExitStatus>;
  },
): Command {
  return {
    ...command,
    // The parsers beside the flags make the values: commander carries them untyped.
    run: (context, { operands, options }) =>
      command.run(context, { operands, options: options as Options }),
  };
}
