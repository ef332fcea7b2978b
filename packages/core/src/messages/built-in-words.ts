import type { BuiltInEventTypes } from "../catalogue.ts";
import type { PipehooksEvent } from "../event.ts";
import { moods, sentence, type Words } from "./told.ts";

type Level = "pipeline" | "flowgroup" | "action";

const phases = {
  start: { verb: "started", told: moods.news },
  end: { verb: "finished", told: moods.good },
  error: { verb: "failed", told: moods.problem },
} as const;

/** The words of the types that pipelines emit. A type that is added to the catalogue is a type error here. */
export const builtInWords: Readonly<Record<keyof BuiltInEventTypes, Words>> = {
  "pipeline.start": step("pipeline", "start"),
  "pipeline.end": step("pipeline", "end"),
  "pipeline.error": step("pipeline", "error"),
  "flowgroup.start": step("flowgroup", "start"),
  "flowgroup.end": step("flowgroup", "end"),
  "flowgroup.error": step("flowgroup", "error"),
  "action.start": step("action", "start"),
  "action.end": step("action", "end"),
  "action.error": step("action", "error"),
  "table.created": {
    many: { noun: "tables", verb: "created" },
    tell({ table = "(without a name)", pipeline }) {
      const by = pipeline === undefined ? "" : ` by ${pipeline}`;
      return { title: `Table ${table} was created${by}`, ...moods.good };
    },
  },
};

function step(level: Level, phase: keyof typeof phases): Words {
  const { verb, told } = phases[phase];
  return {
    many: { noun: `${level}s`, verb },
    tell: (event) => ({
      title: `${nameOf(event, level)} ${verb}${aroundOf(event, level)}`,
      ...told,
    }),
  };
}

/** `Pipeline orders`, or `A pipeline` where its name is not known. */
function nameOf(event: PipehooksEvent, level: Level): string {
  const name = event[level];
  if (name !== undefined) return `${sentence(level)} ${name}`;
  return level === "action" ? "An action" : `A ${level}`;
}

function aroundOf({ pipeline, flowgroup }: PipehooksEvent, level: Level): string {
  const around = { pipeline: [], flowgroup: [pipeline], action: [pipeline, flowgroup] }[level];
  const names = around.filter((name) => name !== undefined);
  return names.length === 0 ? "" : ` in ${names.join(" › ")}`;
}
