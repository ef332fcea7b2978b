import { compilePatterns, eventFields, isHookError, nearest } from "@pipehooks/core";
import { checkCondition } from "./conditions.ts";
import { nearestStep } from "./event-fields.ts";
import type { Steps, WrittenHook } from "./gate-parts.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Report } from "./report.ts";
import { readBy, routedBy } from "./routed.ts";

/** What a route check reads of a hook; anything may be missing or wrong. */
export interface RouteInput extends WrittenHook {
  readonly name?: unknown;
  readonly filter?: unknown;
  readonly when?: unknown;
  readonly destination?: unknown;
  readonly orderBy?: unknown;
}

/** Names are unique. */
export function checkNames(hooks: readonly { readonly name?: unknown }[], report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of hooks.entries()) {
    if (typeof name !== "string") continue;
    const before = seen.get(name);
    if (before === undefined) {
      seen.set(name, index);
      continue;
    }
    report({
      steps: ["hooks", index, "name"],
      message: `hooks[${before}] has the name "${name}" already. Names are part of the idempotency key: give each hook its own.`,
    });
  }
}

/** Globs, condition, destination and order key of one hook. */
export function checkRoute(
  hook: RouteInput,
  context: {
    readonly steps: Steps;
    readonly knowledge: Knowledge;
    readonly destinations: readonly string[];
    readonly report: Report;
  },
): void {
  const { steps, knowledge, destinations, report } = context;
  if (checkTypes(hook.events, [...steps, "events"], { knowledge, report })) {
    checkRest(hook.events, [...steps, "events"], { knowledge, report });
  }
  if (Array.isArray(hook.events) && hook.events.length === 0) {
    report({
      steps: [...steps, "events"],
      message: '"events" is empty. Write ["*"] for all events.',
    });
  }
  for (const [key, globs] of Object.entries(Object(hook.filter))) {
    for (const [pattern, at] of patternsOf(globs, [...steps, "filter", key])) {
      checkGlob(pattern, at, report);
    }
  }
  if (typeof hook.when === "string") {
    checkCondition(hook.when, [...steps, "when"], { routed: readBy(hook, knowledge), report });
  }
  // That a text is empty is said by its schema.
  const { destination, orderBy } = hook;
  if (isText(destination) && !destinations.includes(destination)) {
    report({
      steps: [...steps, "destination"],
      message: `There is no destination "${destination}" under "destinations". Declare it there; an empty one is fine: ${destination}: {}`,
      suggestion: nearest(destination, destinations),
      absence: true,
    });
  }
  if (isText(orderBy)) checkOrderBy(orderBy, [...steps, "orderBy"], report);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Globs over event types; whether all of them can be read and name types that are known. */
export function checkTypes(
  globs: unknown,
  steps: Steps,
  { knowledge, report }: { readonly knowledge: Knowledge; readonly report: Report },
): boolean {
  const sound = patternsOf(globs, steps).map(
    ([pattern, at]) => checkGlob(pattern, at, report) && checkReach(pattern, at, knowledge, report),
  );
  return sound.every((isSound) => isSound);
}

/** Globs as a list, each with its path; anything else is left to the schema. */
function patternsOf(globs: unknown, steps: Steps): readonly (readonly [string, Steps])[] {
  if (typeof globs === "string") return [[globs, steps]];
  if (!Array.isArray(globs)) return [];
  return globs.flatMap((glob: unknown, index) =>
    typeof glob === "string" ? [[glob, [...steps, index]] as const] : [],
  );
}

function checkGlob(pattern: string, steps: Steps, report: Report): boolean {
  try {
    compilePatterns([pattern]);
    return true;
  } catch (error) {
    if (!isHookError(error)) throw error;
    report({ steps, message: error.message });
    return false;
  }
}

// A type that nobody declared is refused when it is emitted, so a hook that waits for it waits for ever.
function checkReach(pattern: string, steps: Steps, knowledge: Knowledge, report: Report): boolean {
  const { spell } = knowledge;
  if (pattern.startsWith("!") || knowledge.allowUnknownTypes) return true;
  const matches = compilePatterns([pattern]);
  if (knowledge.types.some((type) => matches(type))) return true;
  const isGlob = /[*?[\]{}()]/.test(pattern);
  report({
    steps,
    message: isGlob
      ? `No known event type matches "${pattern}", so nothing reaches the hook by it.`
      : `No event type is called "${pattern}". Declare it under "${spell("eventTypes")}", or set ${spell("allowUnknownTypes")}: true.`,
    suggestion: meantBy(pattern, knowledge.types) ?? nearest(pattern, knowledge.types),
    warning: isGlob,
    absence: true,
  });
  return false;
}

/** What other tools call the three things that happen to a pipeline. */
const otherWords = {
  start: /^(?:start|begin|begun|running|launch)/,
  end: /^(?:end|finish|succe|done|complete|ok$|pass)/,
  error: /^(?:err|fail|crash|abort|broken|exception)/,
};

function meantBy(pattern: string, types: readonly string[]): string | undefined {
  const [, scope = "", word = ""] = /^(.+)\.([^.]+)$/.exec(pattern.toLowerCase()) ?? [];
  const meant = Object.entries(otherWords).find(([, words]) => words.test(word));
  const type = meant && `${scope}.${meant[0]}`;
  return type !== undefined && types.includes(type) ? type : undefined;
}

// Each glob takes some types, and together they may take none.
function checkRest(
  globs: unknown,
  steps: Steps,
  { knowledge, report }: { readonly knowledge: Knowledge; readonly report: Report },
): void {
  const { types, unknown } = routedBy(globs, knowledge);
  if (unknown || types.length > 0 || patternsOf(globs, steps).length === 0) return;
  report({
    steps,
    message: 'What "events" takes, its globs with "!" take away again: nothing reaches the hook.',
    warning: true,
    absence: true,
  });
}

function checkOrderBy(path: string, steps: Steps, report: Report): void {
  const [field = ""] = path.split(".");
  if (eventFields.includes(field)) return;
  report({
    steps,
    message: `An event has no field "${field}". Write a path such as pipeline or metadata.customer.`,
    suggestion: nearestStep(path, eventFields),
  });
}
