import type { PipehooksEvent, Severity } from "../event.ts";
import type { JsonValue } from "../json.ts";
import type { Mood, Tone } from "./message.ts";
import type { Times } from "./quantities.ts";

/** What one event, or several together, mean. */
export interface Told {
  readonly title: string;
  readonly mood: Mood;
  readonly severity: Severity;
  readonly summary?: string | undefined;
  /** Since when something is waited for. */
  readonly since?: string | undefined;
}

/** An event, and what it means. */
export interface ToldEvent extends Told {
  readonly event: PipehooksEvent;
}

/** The words for events of one type. */
export interface Words {
  tell(event: PipehooksEvent, times: Times): Told;
  /** For several of them: `2 pipelines failed`. */
  readonly many?: { readonly noun: string; readonly verb: string } | undefined;
}

export const moods = {
  problem: { mood: "problem", severity: "ERROR" },
  warning: { mood: "problem", severity: "WARNING" },
  resolved: { mood: "resolved", severity: "INFO" },
  good: { mood: "good", severity: "INFO" },
  news: { mood: "news", severity: "INFO" },
} as const satisfies Record<string, Pick<Told, "mood" | "severity">>;

const order: readonly Severity[] = ["INFO", "WARNING", "ERROR", "CRITICAL"];

/** Negative where the first is the graver one. */
export function compareGravity(a: Severity, b: Severity): number {
  return order.indexOf(b) - order.indexOf(a);
}

export function gravest(severities: readonly Severity[]): Severity {
  return [...severities].sort(compareGravity)[0] ?? "INFO";
}

export function toneOf({ mood, severity }: Pick<Told, "mood" | "severity">): Tone {
  if (mood === "news") return "neutral";
  if (mood !== "problem") return "good";
  return severity === "ERROR" || severity === "CRITICAL" ? "bad" : "warning";
}

export function labelOf({ mood, severity }: Pick<Told, "mood" | "severity">): string {
  if (mood === "resolved") return "RESOLVED";
  return mood === "good" ? "OK" : severity;
}

/** A field of the metadata as text, lists joined; undefined where it is missing, null or an object. */
export function textAt({ metadata }: PipehooksEvent, name: string): string | undefined {
  return simpleText(metadata[name]);
}

/** A value as text, lists joined; undefined for what is null or has a structure. */
export function simpleText(value: JsonValue | undefined): string | undefined {
  if (Array.isArray(value)) return value.some(isObject) ? undefined : value.join(", ");
  return value === undefined || value === null || isObject(value) ? undefined : String(value);
}

/** With its first letter in upper case. */
export function sentence(text: string): string {
  return text === "" ? text : `${text[0]?.toUpperCase()}${text.slice(1)}`;
}

function isObject(value: JsonValue): boolean {
  return typeof value === "object" && value !== null;
}
