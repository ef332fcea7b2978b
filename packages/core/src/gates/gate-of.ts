import { HookError } from "../errors.ts";
import type { PipehooksEvent } from "../event.ts";
import { issuesText } from "../issues-text.ts";
import { parseDays } from "./days.ts";
import type { GateFacts } from "./gate.ts";
import { msOf } from "./gate-checks.ts";
import {
  createGateCompiler,
  failures,
  type GateCheck,
  type GateCompiler,
  routesOf,
} from "./gate-compile.ts";
import { gateKinds, gateShape } from "./gate-shape.ts";
import { toKey } from "./key.ts";
import type {
  AbsenceOptions,
  AlertOptions,
  DebounceOptions,
  DigestOptions,
  GateLimits,
  GateOptions,
  JoinOptions,
  ThresholdOptions,
} from "./options.ts";
import { type AbsenceSpec, commonKey, type GateKind, type GateSpec } from "./spec.ts";

/** The gate of a hook: as data for stores, and with what has to be asked where the configuration is. */
export interface Gate {
  readonly spec: GateSpec;
  /** Globs over the types that the gate itself asks for, besides the hook's own events. */
  readonly patterns: readonly string[];
  /** Whether the hook needs no `events` of its own. */
  readonly namesEvents: boolean;
  /** Keys that it knows from the beginning. */
  readonly seeds: readonly string[];
  /** What `by` says, for people. */
  readonly by: string;
  /** What it asks of events, for `explain`. */
  readonly conditions: readonly GateCheck[];
  keyOf(event: PipehooksEvent): string;
  /**
   * What the event means to the gate, or undefined when it is not for it.
   * @param own whether the hook itself asks for the event (where it has no `events`: whether its `when` holds)
   */
  factsOf(event: PipehooksEvent, own: boolean): GateFacts | undefined;
}

/** Whose gate it is. */
export interface GateOwner {
  /** The hook's name. */
  readonly hook: string;
  /** CloudEvents `source` of what the gate announces. */
  readonly source: string;
  /** Told what fails while conditions are asked. */
  readonly warn: (why: string) => void;
}

/** What is different from kind to kind. */
interface Parts {
  readonly spec: DistributiveOmit<GateSpec, keyof Common>;
  readonly namesEvents?: boolean;
  readonly seeds?: readonly string[];
  readonly conditions: readonly GateCheck[];
  readonly factsOf: Gate["factsOf"];
}

type Common = Pick<GateSpec, "hook" | "source" | "maxKeys" | "maxEvents" | "keyField">;
type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/**
 * Checks the gate of a hook and compiles it.
 * @returns undefined for a hook without a gate
 * @throws HookError CONFIG_INVALID naming every problem with the path of each
 */
export function prepareGate(options: GateOptions, owner: GateOwner): Gate | undefined {
  const kinds = gateKinds.filter((kind) => options[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined) return undefined;
  if (kinds.length > 1) {
    throw new HookError(
      "CONFIG_INVALID",
      `A hook has one gate at most, and this one has ${kinds.join(" and ")}. Keep one, or make two hooks.`,
    );
  }
  const checked = gateShape[kind].safeParse(options[kind]);
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) =>
      issuesText([{ ...issue, path: [kind, ...issue.path] }]),
    );
    throw new HookError("CONFIG_INVALID", problems.join("\n"));
  }

  const compiler = createGateCompiler(kind, owner.warn);
  const { by, maxEvents = 1000, maxKeys = 100_000 }: GateLimits = options[kind] ?? {};
  const { text, field, keyOf } = compiler.key(by);
  const {
    spec,
    namesEvents = false,
    seeds = [],
    conditions,
    factsOf,
  } = partsOf(kind, options, compiler);
  compiler.finish();
  const { hook, source } = owner;
  const common: Common = { hook, source, maxEvents, maxKeys, ...(field && { keyField: field }) };
  const patterns = routesOf(conditions);
  return {
    spec: { ...spec, ...common },
    patterns,
    namesEvents,
    seeds,
    by: text,
    conditions,
    keyOf,
    factsOf,
  };
}

function partsOf(kind: GateKind, options: GateOptions, compiler: GateCompiler): Parts {
  switch (kind) {
    case "debounce":
      return debounceParts(options[kind] as DebounceOptions);
    case "digest":
      return digestParts(options[kind] as DigestOptions, compiler);
    case "join":
      return joinParts(options[kind] as JoinOptions, compiler);
    case "threshold":
      return thresholdParts(options[kind] as ThresholdOptions, compiler);
    case "absence":
      return absenceParts(options[kind] as AbsenceOptions, compiler);
    case "alert":
      return alertParts(options[kind] as AlertOptions, compiler);
  }
}

function debounceParts({ wait, maxWait, leading = false }: DebounceOptions): Parts {
  return {
    spec: { kind: "debounce", waitMs: msOf(wait) ?? 0, maxWaitMs: msOf(maxWait), leading },
    conditions: [],
    factsOf: (_event, own) => (own ? {} : undefined),
  };
}

function digestParts(options: DigestOptions, compiler: GateCompiler): Parts {
  const { every, cron, timeZone = "UTC", max, flushWhen } = options;
  const flush = flushWhen === undefined ? undefined : compiler.condition("flushWhen", flushWhen);
  return {
    spec: {
      kind: "digest",
      every: cron === undefined ? (msOf(every) ?? 0) : { cron, timeZone },
      max,
    },
    conditions: flush === undefined ? [] : [flush],
    factsOf(event, own) {
      if (!own) return undefined;
      return flush === undefined ? {} : { flush: flush.test(event) };
    },
  };
}

function joinParts(options: JoinOptions, compiler: GateCompiler): Parts {
  const { allOf, anyOf, atLeast = 1, failWhen } = options;
  const list = allOf ?? anyOf ?? [];
  const inputs = list.map(({ name, events, when }) => ({
    name,
    check: compiler.events(`input ${name}`, events, when),
  }));
  const fails = failWhen === undefined ? failures : compiler.condition("failWhen", failWhen);
  return {
    spec: {
      kind: "join",
      inputs: inputs.map(({ name }) => name),
      needed: allOf === undefined ? atLeast : list.length,
      withinMs: msOf(options.within),
      baseline: options.baseline ?? "last_fire",
      onFailedInput: options.onFailedInput ?? "wait",
      onDeadline: options.onDeadline ?? "drop",
      late: options.late ?? "next",
    },
    namesEvents: true,
    conditions: [...inputs.map(({ check }) => check), { ...fails, name: "failWhen" }],
    factsOf(event, own) {
      if (!own) return undefined;
      const names = inputs.filter(({ check }) => check.test(event)).map(({ name }) => name);
      return names.length === 0 ? undefined : { inputs: names, failed: fails.test(event) };
    },
  };
}

function thresholdParts(options: ThresholdOptions, compiler: GateCompiler): Parts {
  const { count, within, distinct, resetOn } = options;
  const read = distinct === undefined ? undefined : compiler.value("distinct", distinct);
  const reset = resetOn === undefined ? undefined : compiler.events("resetOn", resetOn);
  return {
    spec: {
      kind: "threshold",
      count,
      withinMs: msOf(within) ?? 0,
      distinct: distinct !== undefined,
    },
    conditions: reset === undefined ? [] : [reset],
    factsOf(event, own) {
      if (reset?.test(event) === true) return { reset: true };
      if (!own) return undefined;
      const value = read?.(event);
      return value === undefined || value === null ? {} : { distinct: toKey(value) };
    },
  };
}

const weekMs = 7 * 86_400_000;

function absenceParts(options: AbsenceOptions, compiler: GateCompiler): Parts {
  const { after, when, by, grace, forgetAfter } = options;
  const expect = compiler.events("expect", options.expect, when);
  const begin = after === undefined ? undefined : compiler.events("after.events", after.events);
  const keys = by === undefined ? [commonKey] : (options.for ?? []);
  return {
    spec: {
      kind: "absence",
      expect: expect.patterns?.join(", ") ?? "",
      schedule: scheduleOf(options),
      graceMs: msOf(grace) ?? 0,
      keys,
      forgetAfterMs: msOf(forgetAfter) ?? weekMs,
    },
    namesEvents: true,
    seeds: keys,
    conditions: begin === undefined ? [expect] : [expect, begin],
    factsOf(event, own) {
      if (!own) return undefined;
      const expected = expect.test(event);
      const begins = begin?.test(event) === true;
      return expected || begins ? { expected, begins } : undefined;
    },
  };
}

function scheduleOf({ after, at, every, timeZone, days }: AbsenceOptions): AbsenceSpec["schedule"] {
  if (after !== undefined) return { type: "after", withinMs: msOf(after.within) ?? 0 };
  if (at === undefined) return { type: "every", everyMs: msOf(every) ?? 0 };
  const [hour, minute] = at.split(":").map(Number);
  const list = days === undefined ? [] : parseDays(days);
  const weekdays = list.length % 7 === 0 ? "*" : list.join(",");
  const cron = { cron: `${minute} ${hour} * * ${weekdays}`, timeZone: timeZone ?? "UTC" };
  return { type: "at", cron };
}

function alertParts(options: AlertOptions, compiler: GateCompiler): Parts {
  const { openWhen, resolveOn, confirmFor, remind = [] } = options;
  const opens = openWhen === undefined ? failures : compiler.condition("openWhen", openWhen);
  const resolves = compiler.events("resolveOn", resolveOn);
  return {
    spec: {
      kind: "alert",
      confirmForMs: msOf(confirmFor) ?? 0,
      remindMs: remind.map((time) => msOf(time) ?? 0),
      maxReminders: options.maxReminders ?? remind.length,
    },
    conditions: [{ ...opens, name: "openWhen" }, resolves],
    factsOf(event, own) {
      const facts = { opens: own && opens.test(event), resolves: resolves.test(event) };
      // What the hook asks for itself is seen to be skipped.
      return own || facts.resolves ? facts : undefined;
    },
  };
}
