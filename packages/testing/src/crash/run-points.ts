import type { StoreCall } from "./life.ts";

/** A process is killed when so many of these requests have come, in all. */
export interface Asked<Operation extends string> {
  readonly asked: Operation;
  readonly number?: number;
}

/** A request that goes wrong, as receivers of runs take it. */
export interface RunFault<Operation extends string> {
  readonly on: Operation;
  readonly answer: number | "never";
  readonly effect: boolean;
  readonly every?: number;
  readonly times?: number;
}

/** Where processes that see runs through are killed, one after the other, and what goes wrong meanwhile. */
export interface RunPoint<Operation extends string> {
  readonly deaths: readonly (StoreCall | Asked<Operation>)[];
  readonly faults?: readonly RunFault<Operation>[];
  /** Runs end when nobody is to be killed any more. */
  readonly endless?: boolean;
  readonly emits?: readonly string[];
  readonly speed?: number;
}

export type Named<Point> = readonly (readonly [string, Point])[];

type Usual<Start extends string> = Start | "look" | "list" | "cancel";

/** The points that all kinds of runs have. */
export function runPoints<Start extends string>(kind: {
  /** What the receiver calls a request to start one. */
  readonly start: Start;
  /** The event that tells of a good end. */
  readonly completed: string;
  /** A pattern of what is stored when a run is to be cancelled. */
  readonly cancelling: string;
}): {
  /** From the claim to the end of one run. */
  readonly ofOneRun: Named<RunPoint<Usual<Start>>>;
  readonly atTheDeadline: Named<RunPoint<Usual<Start>>>;
  /** Of two events, the second of which replaces the run of the first. */
  readonly whereRunsAreReplaced: Named<RunPoint<Usual<Start>>>;
} {
  const { start, completed, cancelling } = kind;
  const refused: RunFault<Start> = { ...lost(start), effect: false };
  const ofOneRun: Named<RunPoint<Usual<Start>>> = [
    ["before it is claimed", { deaths: [at("claim", "before", '"load"')] }],
    ["before the start is stored", { deaths: [at("settle", "before", aboutToStart)] }],
    ["when the start is stored", { deaths: [at("settle", "after", aboutToStart)] }],
    ["when the start is claimed", { deaths: [at("claim", "after", aboutToStart)] }],
    ["when the start is asked for", { deaths: [{ asked: start }], faults: [unheard(start)] }],
    [
      "when the run is started, before the answer",
      { deaths: [{ asked: start }], faults: [unanswered(start)] },
    ],
    [
      "when two starts are asked for, one after the other",
      {
        deaths: [{ asked: start }, { asked: start, number: 2 }],
        faults: [unheard(start), unanswered(start)],
      },
    ],
    ["behind the answer, before it is stored", { deaths: [at("settle", "before", going)] }],
    ["when the answer is stored", { deaths: [at("settle", "after", going)] }],
    ["at the first look", { deaths: [{ asked: "look" }], faults: [unheard("look")] }],
    ["between two looks", { deaths: [at("settle", "after", '"looks":1')], endless: true }],
    [
      "at the third look",
      {
        deaths: [{ asked: "look", number: 3 }],
        faults: [{ ...unheard("look"), every: 3 }],
        endless: true,
      },
    ],
    [
      "at a look, and the next process, too",
      { deaths: [{ asked: "look" }, { asked: "look", number: 2 }], faults: [unheard("look", 2)] },
    ],
    ["before the end is stored", { deaths: [at("settle", "before", completed)] }],
    ["when the end is stored", { deaths: [at("settle", "after", completed)] }],
    [
      "before a lost start is stored",
      { deaths: [at("settle", "before", doubting)], faults: [lost(start)] },
    ],
    [
      "when a lost start is stored",
      { deaths: [at("settle", "after", doubting)], faults: [lost(start)] },
    ],
    [
      "while a lost start is looked for, twice",
      {
        deaths: [{ asked: "list" }, { asked: "list", number: 2 }],
        faults: [lost(start), unheard("list", 2)],
      },
    ],
    [
      "when a lost start is found, before that is stored",
      { deaths: [at("settle", "before", going)], faults: [lost(start)] },
    ],
    [
      "while a start that did not happen is looked for",
      { deaths: [at("settle", "after", '"asked":2')], faults: [refused] },
    ],
    [
      "before it is stored that a start did not happen",
      { deaths: [at("settle", "before", startingAgain)], faults: [refused] },
    ],
    [
      "when it is stored that a start did not happen",
      { deaths: [at("settle", "after", startingAgain)], faults: [refused] },
    ],
    [
      "when what did not happen is started, before the answer",
      { deaths: [{ asked: start, number: 2 }], faults: [refused, unanswered(start)] },
    ],
  ];
  return {
    ofOneRun,
    atTheDeadline: [
      [
        "when the cancel is asked for",
        { deaths: [{ asked: "cancel" }], faults: [unheard("cancel")] },
      ],
      [
        "when the run is cancelled, before the answer",
        { deaths: [{ asked: "cancel" }], faults: [unanswered("cancel")] },
      ],
      ["before the cancel is stored", { deaths: [at("settle", "before", cancelling)] }],
      ["when the cancel is stored", { deaths: [at("settle", "after", cancelling)] }],
    ],
    whereRunsAreReplaced: [
      [
        "when it is asked to cancel the first one",
        { deaths: [{ asked: "cancel" }], faults: [unheard("cancel")] },
      ],
      [
        "when the first one is cancelled, before the other one is started",
        // Not so fast: a run that was replaced waits for a few minutes only to see by which.
        { deaths: [{ asked: "cancel" }], faults: [unanswered("cancel")], speed: 20 },
      ],
    ],
  };
}

/** At a call of the store that tells of this. */
export function at(call: StoreCall["call"], when: StoreCall["when"], matching: string): StoreCall {
  return { call, when, matching };
}

/** What is asked for is done, and nobody hears of it. */
export function unanswered<Operation extends string>(
  on: Operation,
  times = 1,
): RunFault<Operation> {
  return { on, answer: "never", effect: true, times };
}

/** What is asked for is neither done nor answered. */
export function unheard<Operation extends string>(on: Operation, times = 1): RunFault<Operation> {
  return { on, answer: "never", effect: false, times };
}

/** A start that happens, of which a gateway says that it failed. */
export function lost<Operation extends string>(start: Operation): RunFault<Operation> {
  return { on: start, answer: 502, effect: true, times: 1 };
}

/** Without lists nothing can be proved. */
export const blind: RunFault<"list"> = { on: "list", answer: 403, effect: false };

export const startingAgain = '"restarts":1';
const aboutToStart = '"phase":"starting"';
const going = '"phase":"running"';
const doubting = '"doubt":';
