import {
  compilePatterns,
  compileTemplate,
  type Delivery,
  HookError,
  type PipehooksEvent,
  readPath,
  type Template,
} from "@pipehooks/core";
import { compileSelectors, type SelectorTemplate, unite } from "./selection.ts";

/** What events of one source or connector start. */
export interface DbtMapping {
  /** Instead of the hook's own job. */
  readonly job?: string | number | undefined;
  /** Selectors of dbt, templates over the event; instead of the hook's own. */
  readonly select?: string | readonly string[] | undefined;
}

export interface MappingOptions {
  readonly job?: string | number | undefined;
  readonly select?: string | readonly string[] | undefined;
  readonly mapBy?: string | readonly string[] | undefined;
  readonly mappings?: Readonly<Record<string, DbtMapping>> | undefined;
}

/** What a delivery is to start; a reason where there is nothing to start. */
export type Plan =
  | { readonly job: string; readonly selection: readonly string[] | undefined }
  | { readonly skip: string };

const defaultMapBy = ["metadata.connector", "metadata.source", "pipeline"] as const;

interface Target {
  readonly job: Template | undefined;
  readonly select: SelectorTemplate | undefined;
}

/** Reads from the events of a delivery which job runs and what it selects. */
export function createPlanner(options: MappingOptions): (delivery: Delivery) => Plan {
  const { mappings, mapBy = defaultMapBy } = options;
  const paths = [mapBy].flat();
  const own = toTarget(options);
  const exact = new Map<string, Target>();
  const globs: (readonly [(value: string) => boolean, Target])[] = [];
  for (const [pattern, mapping] of Object.entries(mappings ?? {})) {
    const target = toTarget({ ...options, ...withoutUndefined(mapping) });
    exact.set(pattern, target);
    globs.push([compilePatterns([pattern]), target]);
  }

  const targetOf = (event: PipehooksEvent): Target | undefined => {
    if (mappings === undefined) return own;
    const value = keyOf(event, paths);
    return exact.get(value) ?? globs.find(([matches]) => matches(value))?.[1];
  };

  return (delivery) => {
    const { events, count } = delivery;
    const targets = events.flatMap((event) => {
      const target = targetOf(event);
      return target === undefined ? [] : [{ event, target }];
    });
    if (targets.length === 0) {
      const keys = [...new Set(events.map((event) => keyOf(event, paths)))].slice(0, 5);
      return {
        skip: `no entry of "mappings" is for ${keys.map((key) => JSON.stringify(key)).join(", ")} (${paths.join(", ")})`,
      };
    }
    const jobs = [...new Set(targets.map(({ event, target }) => jobOf(event, target)))];
    const [job] = jobs;
    if (job === undefined || jobs.length > 1) {
      throw new HookError(
        "REQUEST_INVALID",
        `dbt: the ${count} events of this delivery belong to the jobs ${jobs.join(", ")}, and a delivery starts one. ` +
          'Gather by what decides the job ("by" of the gate), or write one hook for each job.',
      );
    }
    const isPart = count > events.length;
    const varies = targets.some(({ target }) => target.select?.varies === true);
    // Nobody knows what the events that are not given would select.
    const selection =
      isPart && (varies || mappings !== undefined) ? undefined : selectionOf(targets);
    return { job, selection };
  };
}

/** Undefined selects all, as soon as one event needs that. */
function selectionOf(
  targets: readonly { readonly event: PipehooksEvent; readonly target: Target }[],
): readonly string[] | undefined {
  const selections: (readonly string[])[] = [];
  for (const { event, target } of targets) {
    if (target.select === undefined) return undefined;
    selections.push(target.select.render(event, event.id));
  }
  return unite(selections);
}

function toTarget({ job, select }: DbtMapping): Target {
  const selectors = select === undefined ? [] : [select].flat();
  return {
    job: job === undefined ? undefined : compileTemplate(String(job)),
    select: selectors.length === 0 ? undefined : compileSelectors(selectors),
  };
}

function jobOf(event: PipehooksEvent, { job }: Target): string {
  const value = String(job?.render(event) ?? "");
  if (/^\d{1,19}$/.test(value)) return value;
  throw new HookError(
    "REQUEST_INVALID",
    `dbt: ${JSON.stringify(value)} is no id of a job (event ${event.id}). Job ids are numbers.`,
  );
}

/** The first of the paths that the event has. */
function keyOf(event: PipehooksEvent, paths: readonly string[]): string {
  for (const path of paths) {
    const value = readPath(event, path);
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return "";
}

function withoutUndefined(mapping: DbtMapping): DbtMapping {
  return Object.fromEntries(Object.entries(mapping).filter(([, value]) => value !== undefined));
}
