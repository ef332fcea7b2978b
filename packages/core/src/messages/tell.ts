import { isOwnType } from "../catalogue.ts";
import type { PipehooksEvent } from "../event.ts";
import { builtInWords } from "./built-in-words.ts";
import { ownWords } from "./own-words.ts";
import type { Times } from "./quantities.ts";
import { moods, type ToldEvent, textAt, type Words } from "./told.ts";

/** What one event means. */
export function tell(event: PipehooksEvent, times: Times): ToldEvent {
  const told = { event, ...wordsOf(event.type).tell(event, times) };
  if (event.error === undefined) return told;
  // What the emitter says of an error counts more than what its type lets guess.
  const usual = told.mood === "problem" ? told.severity : "ERROR";
  return { ...told, mood: "problem", severity: event.error.severity ?? usual };
}

/** Every type has words; those that nobody knows go by their names. */
export function wordsOf(type: string): Words {
  return catalogue.get(type) ?? runWords(type) ?? (isOwnType(type) ? unknownOwn : unknown);
}

const catalogue: ReadonlyMap<string, Words> = new Map([
  ...Object.entries(builtInWords),
  ...Object.entries(ownWords),
]);

const products: Readonly<Record<string, string>> = { databricks: "Databricks", hex: "Hex" };

const runEnds: Readonly<
  Record<string, { verb: string; plural: string; mood: keyof typeof moods }>
> = {
  completed: { verb: "succeeded", plural: "succeeded", mood: "good" },
  failed: { verb: "failed", plural: "failed", mood: "problem" },
  cancelled: { verb: "was cancelled", plural: "were cancelled", mood: "warning" },
};

/** Ends of remote runs: `dbt.run.failed`. */
function runWords(type: string): Words | undefined {
  const [, prefix, name = ""] = /^(.+)\.run\.(completed|failed|cancelled)$/.exec(type) ?? [];
  const end = runEnds[name];
  if (prefix === undefined || end === undefined) return undefined;
  const run = `${products[prefix] ?? prefix} run`;
  return {
    many: { noun: `${run}s`, verb: end.plural },
    tell(event) {
      const id = textAt(event, "run_id");
      const of = event.pipeline === undefined ? "" : ` for ${event.pipeline}`;
      const which = id === undefined ? run : `${run} ${id}`;
      return { title: `${which} ${end.verb}${of}`, ...moods[end.mood] };
    },
  };
}

/** Types of one's own: whether something failed is told by their last word. */
const unknown: Words = {
  tell({ type, pipeline, flowgroup, action, table, subject }) {
    const steps = [pipeline, flowgroup, action].filter((step) => step !== undefined);
    const about = table ?? (steps.length > 0 ? steps.join(" › ") : subject);
    const hasFailed = /[._-](?:error|failed|failure)$/.test(type);
    return {
      title: about === undefined ? type : `${type}: ${about}`,
      ...moods[hasFailed ? "problem" : "news"],
    };
  },
};

/** From a newer version than this one. */
const unknownOwn: Words = {
  tell: (event) => ({
    title: `${event.type}: hook ${textAt(event, "hook") ?? event.subject ?? "(without a name)"}`,
    ...moods.news,
  }),
};
