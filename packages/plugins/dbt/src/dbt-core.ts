import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  compileTemplate,
  type Delivery,
  defineHook,
  delivered,
  type EventFields,
  type Hook,
  type HookContext,
  HookError,
  type HookFactory,
  isHookError,
  messageOf,
  type Outcome,
  optionName,
  parseDuration,
  pending,
  readPath,
  skipped,
  toTemplateScope,
} from "@pipehooks/core";
import { type CommandEnd, runCommand } from "./command.ts";
import { type DbtCoreOptions, dbtCoreOptions } from "./core-options.ts";
import { createPlanner } from "./mapping.ts";
import { holdAlone } from "./one-at-a-time.ts";
import { type DbtSummary, summarizeDbt } from "./results.ts";
import { renderArgument } from "./selection.ts";
import { readTarget, stateOfTarget, targetFolder } from "./target-files.ts";

/**
 * Runs dbt on this machine and emits `dbt.run.completed`, `dbt.run.failed` or `dbt.run.cancelled` with the results of its
 * nodes. Needs dbt 1.6 or later (https://docs.getdbt.com/reference/dbt-commands).
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * dbtCore({ projectDir: "./shop", select: "source:${metadata.connector}+" })
 */
export const dbtCore: HookFactory<DbtCoreOptions> = defineHook<DbtCoreOptions, DbtCoreOptions>({
  name: "dbt-core",
  options: dbtCoreOptions,
  destination: (options) => `dbt-core:${targetFolder(options)}`,
  secrets: ({ env = {} }) =>
    Object.entries(env).flatMap(([key, value]) => (secretName.test(key) ? [value] : [])),
  templates: ["select", "mappings.*", "target", "vars"],
  // The command is the attempt; its own deadline ends it before.
  policy: { timeout: "7d", concurrency: 1 },
  create: createHook,
});

// `DBT_ENV_SECRET_…` is dbt's own way to say so.
const secretName = /SECRET|PASS|TOKEN|KEY|PWD|CREDENTIAL/i;
const usualCommand = "build";
const usualDeadline = "6h";
const usualGrace = "10s";
const againMs = 30_000;
const mostIds = 1000;

function createHook(options: DbtCoreOptions, context: HookContext): Hook {
  const { clock, name, redact } = context;
  const program = [options.program ?? "dbt"].flat();
  const argumentsOf = createArguments(options);
  const disposed = new AbortController();
  const running = new Set<Promise<unknown>>();

  const run = (args: readonly string[], signal: AbortSignal): Promise<CommandEnd> => {
    if (!existsSync(join(options.projectDir, "dbt_project.yml"))) {
      throw new HookError(
        "HOOK_FAILED",
        `${name}: there is no dbt_project.yml in "${options.projectDir}". Set ${optionName("projectDir")} to the project's folder.`,
      );
    }
    return runCommand({
      program,
      args,
      cwd: options.projectDir,
      env: options.env ?? {},
      deadlineMs: parseDuration(options.deadline ?? usualDeadline),
      graceMs: parseDuration(options.grace ?? usualGrace),
      clock,
      signal,
    });
  };

  const deliver = async (delivery: Delivery): Promise<Outcome> => {
    const planned = argumentsOf(delivery);
    if ("skip" in planned) return skipped(planned.skip);
    const signal = AbortSignal.any([delivery.signal, disposed.signal]);
    const folder = targetFolder(options);
    using _ = await alone(folder, signal, name);
    const before = await stateOfTarget(folder);
    const startedAt = clock.now();
    const end = await run(planned.args, signal);
    const summary = summarizeDbt([await readTarget(folder, before)], redact);
    if (signal.aborted) throw abortedBy(signal, name);

    const again = Number(readPath(delivery.state, "again") ?? 0);
    const hasFailed = end.code !== 0 || end.isOverdue;
    const message = hasFailed ? failureOf(end, summary, redact) : undefined;
    if (hasFailed && !end.isOverdue && summary.isPassing && again < (options.retryRun ?? 0)) {
      context.logger.warn(`${name}: ${message} It is run again.`);
      return pending({ state: { again: again + 1 }, againMs: againMs * 2 ** again });
    }
    const state = end.isOverdue ? "cancelled" : hasFailed ? "failed" : "completed";
    tell(delivery, `dbt.run.${state}`, {
      metadata: {
        run_id: summary.invocationId ?? delivery.idempotencyKey,
        label: labelOf(end),
        ...(message !== undefined && { message }),
        duration_ms: clock.now() - startedAt,
        hook: name,
        event: delivery.event.id,
        ...(delivery.events.length > 1 && {
          events: delivery.events.slice(0, mostIds).map(({ id }) => id),
        }),
        command: options.command ?? usualCommand,
        ...summary.detail,
      },
      ...(message !== undefined && state === "failed" && { error: { message } }),
    });
    if (message !== undefined) throw new HookError("HOOK_FAILED", `${name}: ${message}`);
    return delivered();
  };

  /** What dbt did stays done where its event is refused. */
  const tell = (delivery: Delivery, type: string, fields: EventFields): void => {
    try {
      delivery.emit(type, fields);
    } catch (error) {
      context.logger.error(`${name}: ${type} was not emitted: ${messageOf(error)}`);
    }
  };

  return {
    async deliver(delivery) {
      const attempt = deliver(delivery);
      running.add(attempt);
      try {
        return await attempt;
      } finally {
        running.delete(attempt);
      }
    },
    render(delivery) {
      const planned = argumentsOf(delivery);
      if ("skip" in planned) return { target: `nothing: ${planned.skip}`, body: null };
      return {
        target: `${program.join(" ")} in ${options.projectDir}`,
        body: planned.args.map(redact),
      };
    },
    async check(signal) {
      const { code, tail } = await run(["--version"], signal);
      const versions = redact(tail).replaceAll(/\s+/g, " ").trim().slice(0, 200);
      if (code !== 0)
        throw new HookError(
          "HOOK_FAILED",
          `${name}: "${program.join(" ")} --version" failed: ${versions}`,
        );
      return { summary: `${options.projectDir}: ${versions}` };
    },
    async [Symbol.asyncDispose]() {
      disposed.abort(
        new HookError("ABORTED", `${name}: the hook is disposed.`, { retryable: true }),
      );
      await Promise.allSettled(running);
    },
  };
}

type Arguments = { readonly args: readonly string[] } | { readonly skip: string };

function createArguments(options: DbtCoreOptions): (delivery: Delivery) => Arguments {
  const { select, mapBy, target, profile, profilesDir, targetPath, threads } = options;
  const mappings =
    options.mappings &&
    Object.fromEntries(
      Object.entries(options.mappings).map(([key, each]) => [key, { select: each }]),
    );
  // A local project is one job.
  const plan = createPlanner({ select, mapBy, mappings, job: 1 });
  const vars = options.vars === undefined ? undefined : compileTemplate(options.vars);
  const targetName =
    target === undefined ? undefined : { text: target, template: compileTemplate(target) };
  const fixed = [
    ...(profilesDir === undefined ? [] : ["--profiles-dir", resolve(profilesDir)]),
    ...(profile === undefined ? [] : ["--profile", profile]),
    ...(targetPath === undefined ? [] : ["--target-path", targetPath]),
    ...(threads === undefined ? [] : ["--threads", String(threads)]),
    ...(options.fullRefresh === true ? ["--full-refresh"] : []),
    ...(options.args ?? []),
  ];
  const exclude = options.exclude === undefined ? [] : ["--exclude", ...[options.exclude].flat()];

  return (delivery) => {
    const planned = plan(delivery);
    if ("skip" in planned) return planned;
    const scope = toTemplateScope(delivery);
    const { selection } = planned;
    return {
      args: [
        ...(options.command ?? usualCommand).split(" "),
        ...fixed,
        ...(targetName === undefined
          ? []
          : ["--target", renderArgument(targetName, scope, delivery.event.id)]),
        // One argument, whatever the values are.
        ...(vars === undefined ? [] : ["--vars", JSON.stringify(vars.render(scope))]),
        ...(selection === undefined ? [] : ["--select", ...selection]),
        ...exclude,
      ],
    };
  };
}

async function alone(folder: string, signal: AbortSignal, name: string): Promise<Disposable> {
  try {
    return await holdAlone(folder, signal);
  } catch {
    throw abortedBy(signal, name);
  }
}

function abortedBy(signal: AbortSignal, name: string): HookError {
  const { reason } = signal;
  if (isHookError(reason)) return reason;
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  return new HookError(
    isTimeout ? "TIMEOUT" : "ABORTED",
    `${name}: dbt was ended, since the attempt ${isTimeout ? "took too long" : "was aborted"}.`,
    { retryable: true, cause: reason },
  );
}

function labelOf({ code, killedBy, isOverdue }: CommandEnd): string {
  if (isOverdue) return "ended at its deadline";
  return code === null ? `killed by ${killedBy}` : `exit ${code}`;
}

function failureOf(end: CommandEnd, summary: DbtSummary, redact: (text: string) => string): string {
  // Redacted before it is cut, or half a secret would stay.
  const said = redact(end.tail).trim().split("\n").slice(-5).join("\n").slice(-1000);
  return `dbt: ${labelOf(end)}: ${summary.message ?? (said === "" ? "it said nothing" : said)}.`;
}
