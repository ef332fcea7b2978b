import type { HookConfig, HookKind } from "@pipehooks/core";
import { toSnake } from "./casing.ts";
import { checkOptionsOf } from "./check-options.ts";
import { type Conversion, convert } from "./convert.ts";
import { needsEvents } from "./gate-parts.ts";
import { hookHint } from "./hook-hint.ts";
import { reportIssues } from "./issues.ts";
import { checkKind, checkNeeds, type Kinds } from "./kinds.ts";
import { isOrdinary } from "./ordinary.ts";
import type { PluginSearch } from "./plugins.ts";
import type { Report } from "./report.ts";
import { type HookInput, hookSchema, hookShape } from "./schema.ts";
import { anyShape, type Shape, shapeOf } from "./shape.ts";
import { type TemplateText, templateTest } from "./templates.ts";
import { type MapTree, type Tree, valueAt, withoutKeys } from "./tree.ts";

/** One entry of `hooks`, as far as it could be read. */
export interface ReadHook {
  readonly data: Partial<HookInput>;
  readonly templates: readonly TemplateText[];
  /** Absent when something is wrong with it, and when it is off and its kind is not installed. */
  readonly config?: HookConfig | undefined;
}

/** What every hook of a file is read with. */
export interface HookReading {
  readonly kinds: Kinds;
  readonly conversion: Conversion;
  /** Where secrets in options are collected. */
  readonly secrets: Set<string>;
  readonly search: PluginSearch;
  readonly report: Report;
}

/** Reads one hook: its own keys by our schema, its options by the kind's. */
export async function readHook(tree: Tree, index: number, reading: HookReading): Promise<ReadHook> {
  const { kinds, conversion, search, report } = reading;
  const { problems, broken } = conversion;
  const path = `hooks[${index}]`;
  if (tree.type !== "map") {
    report({
      steps: ["hooks", index],
      message: `${path} must be keys and values: "- name: …", "kind: …".`,
    });
    return { data: {}, templates: [] };
  }

  const kindTree = valueAt(tree, "kind");
  const known = kindTree?.type === "scalar" ? kinds.get(String(kindTree.value))?.kind : undefined;
  const options = known === undefined ? anyShape : shapeOf(known.options);
  const own = withoutKeys(tree, (key) => key === "options");
  const shape = hookShape();
  const hint = (key: string, steps: readonly unknown[]) => {
    if (steps.length > 0) return undefined;
    return options.keys.includes(key) ? 'Write it under "options".' : hookHint(key, kinds.names);
  };
  const data = convert(own, shape, { ...conversion, hint }, { path, steps: [] });
  const checked = hookSchema.safeParse(data);
  if (!checked.success) {
    const { issues } = checked.error;
    reportIssues(issues, { tree: own, path, problems, broken, showValues: true, shape });
  }

  const input = (checked.success ? checked.data : data) as Partial<HookInput>;
  const lacksEvents = input.events === undefined && needsEvents(input);
  if (lacksEvents) {
    const missing = { ...noEvents, path: ["events"] };
    reportIssues([missing], { tree: own, path, problems, broken, showValues: true, shape });
  }
  const kind =
    typeof input.kind === "string"
      ? checkKind(input.kind, kinds, {
          steps: ["hooks", index, "kind"],
          enabled: input.enabled !== false,
          report,
        })
      : undefined;
  const part = { tree, index, kind: known, shape: options, hookKeys: shape.keys };
  const { value, checked: sound, templates } = await readOptions(part, reading);
  if (kind !== undefined && kind !== "skip" && input.enabled !== false && sound !== undefined) {
    checkNeeds(kind.name, sound.value, kinds, { steps: ["hooks", index, "kind"], search, report });
  }
  const usable = checked.success && !lacksEvents && kind !== undefined && kind !== "skip";
  return {
    data: input,
    templates,
    config: usable ? toConfig(checked.data, kind, value) : undefined,
  };
}

// As the schema would say it if every hook needed some.
const noEvents = { code: "invalid_type", expected: "a list or text", message: "missing" };

interface OptionsPart {
  readonly tree: MapTree;
  readonly index: number;
  readonly kind: HookKind | undefined;
  readonly shape: Shape;
  readonly hookKeys: readonly string[];
}

interface ReadOptions {
  /** As written. */
  readonly value: unknown;
  /** As the kind's schema answers them; absent when something is wrong with them. */
  readonly checked?: { readonly value: unknown };
  readonly templates: readonly TemplateText[];
}

async function readOptions(
  { tree, index, kind, shape, hookKeys }: OptionsPart,
  { conversion, secrets, report }: HookReading,
): Promise<ReadOptions> {
  const entry = tree.entries.get("options");
  const at = entry?.keyAt ?? tree.at;
  const options = mapOrEmpty(entry?.value, at);
  if (options === undefined) {
    report({ steps: ["hooks", index, "options"], message: '"options" must be keys and values.' });
    return { value: undefined, templates: [] };
  }

  const path = `hooks[${index}].options`;
  const templates: TemplateText[] = [];
  const isTemplate = kind && templateTest(kind);
  const own: Conversion = {
    ...conversion,
    onOutside: (value, steps) => {
      if (isTemplate?.(steps) !== true || !isOrdinary(value, steps)) secrets.add(value);
    },
    // Without its kind nobody knows which options are templates.
    isTemplate: isTemplate ?? (() => true),
    templates: kind && { kind: kind.name, paths: (kind.templates ?? []).map(toSnake) },
    hint: (key, steps) =>
      steps.length === 0 && hookKeys.includes(key)
        ? 'Write it beside "options", not in it.'
        : undefined,
    onTemplate: (text, scalar, steps) => {
      const written = String(scalar.value);
      templates.push({ steps: ["hooks", index, "options", ...steps], text, written });
    },
  };
  const value = convert(options, shape, own, { path, steps: [] });
  if (kind === undefined) return { value, templates: [] };

  const result = await checkOptionsOf(kind, value);
  reportIssues(result.issues ?? [], {
    tree: options,
    path,
    at,
    problems: conversion.problems,
    broken: conversion.broken,
    showValues: false,
    code: "HOOK_OPTIONS_INVALID",
    shape,
  });
  if (result.issues !== undefined) return { value, templates };
  return { value, checked: { value: result.value }, templates };
}

function mapOrEmpty(tree: Tree | undefined, at: number): MapTree | undefined {
  if (tree?.type === "map") return tree;
  const isAbsent = tree === undefined || (tree.type === "scalar" && tree.value === null);
  return isAbsent ? { type: "map", at, entries: new Map() } : undefined;
}

function toConfig(input: HookInput, kind: HookKind, options: unknown): HookConfig {
  const { kind: _kind, options: _options, filter, when, events, ...rest } = input;
  return {
    ...rest,
    hook: { kind, options },
    ...(events !== undefined && { events: [events].flat() }),
    ...(filter && { filter: listsOf(filter) }),
    ...(when !== undefined && { when: String(when) }),
  };
}

function listsOf(filter: NonNullable<HookInput["filter"]>): NonNullable<HookConfig["filter"]> {
  return Object.fromEntries(
    Object.entries(filter).map(([key, globs]) => [key, [globs ?? []].flat()]),
  );
}
