import type { Severity } from "../event.ts";

/** What to tell people, before any channel gives it its form. Nothing in it is cut or escaped. */
export interface Message {
  /** Of several events, and of an incident that goes on, the gravest; of what is over `INFO`. */
  readonly severity: Severity;
  readonly mood: Mood;
  readonly tone: Tone;
  /** How it stands, in a word or two: `CRITICAL`, `STILL CRITICAL`, `RESOLVED`, `OK`. */
  readonly label: string;
  /** What happened, and to what: `Pipeline orders failed`. */
  readonly title: string;
  /** Of an incident that was told before: `Still open after 2 h`, `Resolved after 2 h`. */
  readonly standing?: string | undefined;
  /** One line with all of it: `Resolved after 2 h: Pipeline orders finished`. */
  readonly headline: string;
  /** What else is to be said: how often an incident's failures came, what to do, why it is told now. */
  readonly summary?: string | undefined;
  /** Where it happened, and figures; the most important first. */
  readonly facts: readonly MessageFact[];
  readonly error?: MessageError | undefined;
  /** Of several events what each was, failures first; the first ones. */
  readonly rows: readonly MessageRow[];
  /** How many events are not among {@link Message.rows}, where there are any. */
  readonly moreRows: number;
  readonly links: readonly MessageLink[];
  /** Small print, to ask for it: type, id and source of the event, and the hook. */
  readonly footer: string;
  /** When it happened, ISO 8601. */
  readonly at: string;
  /** Since when an incident, or a wait, lasts, ISO 8601. */
  readonly since?: string | undefined;
  /** Of an `alert` gate. */
  readonly state?: "opened" | "reminder" | "resolved" | undefined;
  /** How many events it stands for. */
  readonly count: number;
}

/** `problem`: something is wrong; `resolved`: it is over; `good`: it went well; `news`: neither. */
export type Mood = "problem" | "resolved" | "good" | "news";

/** How it looks: `bad` is an `ERROR` or worse, `warning` any other problem, `good` what went well or is over. */
export type Tone = "bad" | "warning" | "good" | "neutral";

/** A name and a value, both for people. */
export interface MessageFact {
  readonly name: string;
  readonly value: string;
}

/** What went wrong; nothing is said twice. */
export interface MessageError {
  /** Class and code, such as `AnalysisException (42P01)`; where they are known. */
  readonly title?: string | undefined;
  readonly message: string;
  /** `Caused by TimeoutError: no answer`, the nearest first. */
  readonly causes: readonly string[];
  readonly stack?: string | undefined;
}

/** One of several events. */
export interface MessageRow {
  /** `2026-01-15 06:30 UTC` */
  readonly time: string;
  readonly tone: Tone;
  /** `OK`, `RESOLVED`, or the severity. */
  readonly label: string;
  readonly text: string;
  /** The first line of what went wrong. */
  readonly error?: string | undefined;
}

/** Where to read on; a web address. */
export interface MessageLink {
  readonly kind: "run" | "dashboard";
  readonly text: string;
  readonly url: string;
}
