import type { DeliveredGate, Delivery } from "../hook.ts";
import { describeError } from "./describe-error.ts";
import type { MessageRow } from "./message.ts";
import { formatCount, type Times } from "./quantities.ts";
import { wordsOf } from "./tell.ts";
import {
  compareGravity,
  gravest,
  labelOf,
  moods,
  type Told,
  type ToldEvent,
  toneOf,
} from "./told.ts";

/** Whether a gate waited for several inputs. */
export function isOfJoin(gate: DeliveredGate | undefined): boolean {
  return gate?.inputs !== undefined || gate?.missing !== undefined;
}

/** What several events mean together. */
export function tellMany(delivery: Delivery, all: readonly ToldEvent[]): Told {
  if (isOfJoin(delivery.gate)) return tellJoin(delivery, all);
  const { count, key } = delivery;
  const [first] = all;
  const isWhole = all.length === count;
  const isSame = isWhole && first !== undefined && all.every(({ title }) => title === first.title);
  const of = key === null ? "" : ` of ${key}`;
  const title = isSame
    ? `${first.title} (${formatCount(count)} times)`
    : `${formatCount(count)} events${of}: ${kindsOf(all, count)}`;
  const { mood, severity } = togetherOf(all);
  // Of those that the delivery does not carry nobody knows how they went.
  return { title, mood: mood === "good" && !isWhole ? "news" : mood, severity };
}

/** What each was, failures first; of what is alike, in its order. */
export function rowsOf(
  all: readonly ToldEvent[],
  most: number,
  times: Times,
): readonly MessageRow[] {
  const shown = [...all].sort(worstFirst).slice(0, most);
  return shown.map((told) => ({
    time: times.inTable(told.event.time),
    tone: toneOf(told),
    label: labelOf(told),
    text: told.title,
    error: describeError(told.event)?.message.split("\n", 1)[0],
  }));
}

/** That all inputs of a join have come, or which have not. */
function tellJoin({ gate, key }: Delivery, all: readonly ToldEvent[]): Told {
  const of = key === null ? "" : ` for ${key}`;
  const missing = gate?.missing ?? [];
  const names = Object.keys(gate?.inputs ?? {});
  if (missing.length === 0)
    return { title: `All has come${of}: ${names.join(", ")}`, ...moods.good };
  return {
    title: `Not all has come${of}: ${missing.join(", ")} missing`,
    mood: "problem",
    severity: gravest(["WARNING", togetherOf(all).severity]),
  };
}

/** `2 pipelines failed, 10 pipelines finished`; what is wrong first. */
function kindsOf(all: readonly ToldEvent[], count: number): string {
  const counts = new Map<string, number>();
  for (const { event } of [...all].sort(worstFirst)) {
    counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  }
  const kinds = [...counts].map(([type, times]) => {
    const { many } = wordsOf(type);
    if (many === undefined) return `${formatCount(times)} × ${type}`;
    const noun = times === 1 ? many.noun.replace(/s$/, "") : many.noun;
    return `${formatCount(times)} ${noun} ${many.verb}`;
  });
  const shown = kinds.join(", ");
  return count > all.length ? `${shown}, and ${formatCount(count - all.length)} more` : shown;
}

// Sorting is stable: what is alike stays in its order.
function worstFirst(a: ToldEvent, b: ToldEvent): number {
  const isProblem = ({ mood }: ToldEvent) => Number(mood === "problem");
  return isProblem(b) - isProblem(a) || compareGravity(a.severity, b.severity);
}

function togetherOf(all: readonly ToldEvent[]): Pick<Told, "mood" | "severity"> {
  const severity = gravest(all.map((told) => told.severity));
  const [mood = "news", ...others] = new Set(all.map((told) => told.mood));
  if ([mood, ...others].includes("problem")) return { mood: "problem", severity };
  return { mood: others.length === 0 ? mood : "news", severity };
}
