import {
  createLocalValues,
  createRedactor,
  endlessBudget,
  type Hook,
  type HookContext,
  HookError,
  type HookFactory,
  type HookKind,
  type Logger,
  systemClock,
} from "@pipehooks/core";

/** A line that a hook logged, as it was before any redaction. */
export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** A hook made as a bus makes it, with what the bus would know of it. */
export interface OpenedHook extends AsyncDisposable {
  readonly hook: Hook;
  readonly kind: HookKind;
  readonly logs: readonly LogLine[];
  /** What the kind says must not appear anywhere. */
  readonly secrets: readonly string[];
  /** Where the kind says it delivers to. */
  readonly destination: string | undefined;
}

/**
 * Checks options with the kind's schema and makes the hook.
 * @throws HookError HOOK_OPTIONS_INVALID, with the path of everything wrong
 */
export async function openHook<Input>(
  factory: HookFactory<Input> | { readonly kind: HookKind },
  options: Input,
  context: Partial<HookContext> = {},
): Promise<OpenedHook> {
  const { kind } = factory;
  const checked = await checkOptions(kind, options);
  if (checked.problems.length > 0) {
    const list = checked.problems.map(({ path, message }) => `${path}: ${message}`);
    throw new HookError("HOOK_OPTIONS_INVALID", `${kind.name}: ${list.join("; ")}.`);
  }
  const secrets = kind.secrets?.(checked.value) ?? [];
  const logs: LogLine[] = [];
  const hook = await kind.create(checked.value, {
    name: "test",
    logger: recorder(logs),
    clock: systemClock,
    random: Math.random,
    redact: createRedactor(secrets),
    budget: endlessBudget,
    shared: createLocalValues(),
    ...context,
  });
  return {
    hook,
    kind,
    logs,
    secrets,
    destination: kind.destination?.(checked.value),
    async [Symbol.asyncDispose]() {
      await hook[Symbol.asyncDispose]?.();
    },
  };
}

export interface OptionProblem {
  /** Keys joined by dots; empty for the options as a whole. */
  readonly path: string;
  readonly message: string;
}

/** What a kind's schema says of options. */
export async function checkOptions(
  kind: HookKind,
  options: unknown,
): Promise<{ readonly value: unknown; readonly problems: readonly OptionProblem[] }> {
  const result = await kind.options["~standard"].validate(options);
  if (result.issues === undefined) return { value: result.value, problems: [] };
  const problems = result.issues.map(({ path = [], message }) => ({
    path: path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
    message,
  }));
  return { value: undefined, problems };
}

function recorder(logs: LogLine[]): Logger {
  const at =
    (level: keyof Logger): Logger["info"] =>
    (message, fields) => {
      logs.push({ level, message, fields });
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
