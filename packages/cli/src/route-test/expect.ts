import {
  type DeliveryState,
  type JsonValue,
  type PipehooksEvent,
  parseDuration,
  settledStates,
  toDeliveryId,
} from "@pipehooks/core";
import { plural } from "../text.ts";
import { compareTimes } from "./attempt-times.ts";
import { StepFailure } from "./failure.ts";
import { compareSubset, type Difference, fitsText, show } from "./match.ts";
import type { RehearsedDelivery } from "./rehearsal.ts";
import type { Scene } from "./scene.ts";
import { type Expectation, letsTimePass } from "./schema.ts";
import { whyNot } from "./why-not.ts";

const longestWait = "24h";

/**
 * Looks at the deliveries of a hook that no `expect` has seen settled.
 * @throws StepFailure
 */
export async function checkExpectation(scene: Scene, expected: Expectation): Promise<void> {
  const { hook, state } = expected;
  if (letsTimePass(expected)) {
    const limit = scene.now() + parseDuration(expected.within ?? longestWait);
    await scene.advanceUntil(limit, async () => {
      const looked = await scene.newDeliveriesOf(hook);
      return looked.every(({ row }) => row.state === "gathering" || isSettled(row.state));
    });
  }
  const all = await scene.newDeliveriesOf(hook);
  const looked = all.filter(({ row }) => isMeant(row, state));
  const differences = compare(expected, looked, scene);
  if (differences.length > 0) {
    const notes = all.map(describe);
    if (looked.length < (expected.deliveries ?? 1))
      notes.push(...(await whyFewer(scene, hook, all)));
    throw new StepFailure(`hook "${hook}" is not as expected`, { differences, notes });
  }
  scene.look(hook, looked);
}

function idOf({ id, source }: PipehooksEvent): string {
  return `${source} ${id}`;
}

function whyFewer(
  scene: Scene,
  hook: string,
  deliveries: readonly RehearsedDelivery[],
): Promise<readonly string[]> {
  const reached = new Set(
    deliveries.flatMap((one) =>
      one.row.state === "gathering" ? [] : scene.eventsOf(one).map(idOf),
    ),
  );
  const emitted = scene.emittedSince(hook);
  const left = emitted.filter(({ event }) => !reached.has(idOf(event)));
  return emitted.length > 0 && left.length === 0
    ? Promise.resolve([])
    : whyNot(scene.bus, hook, left);
}

/** @throws StepFailure */
export async function checkNothing(scene: Scene, hooks: readonly string[]): Promise<void> {
  for (const hook of hooks) {
    const unseen = (await scene.unseenDeliveriesOf(hook)).filter(({ row }) => isMeant(row));
    if (unseen.length === 0) continue;
    const difference = {
      what: "deliveries",
      expected: "none",
      actual: String(unseen.length),
    };
    throw new StepFailure(`hook "${hook}" was to get nothing`, {
      differences: [difference],
      notes: unseen.map(describe),
    });
  }
}

/** What a gate holds back or lets go is no delivery to anybody, unless somebody asks for it. */
function isMeant({ state, attempts }: RehearsedDelivery["row"], wanted?: DeliveryState): boolean {
  if (wanted === "gathering" || wanted === "skipped") return state === wanted;
  return state !== "gathering" && !(state === "skipped" && attempts === 0);
}

function isSettled(state: DeliveryState): boolean {
  return settledStates.includes(state);
}

function compare(
  expected: Expectation,
  looked: readonly RehearsedDelivery[],
  scene: Scene,
): readonly Difference[] {
  const { deliveries, attempts, at, state } = expected;
  if (looked.length === 0 && deliveries !== 0 && attempts !== 0) {
    const what =
      state === "gathering" || state === "skipped" ? `deliveries ${state}` : "deliveries";
    const wanted = deliveries === undefined ? "at least 1" : String(deliveries);
    return [{ what, expected: wanted, actual: "none" }];
  }
  const tries = looked.flatMap(triesOf).toSorted((a, b) => a - b);
  const begun = Math.min(...looked.map(({ row }) => row.acceptedAt));
  const times =
    at &&
    compareTimes(
      at,
      tries.map((time) => time - begun),
    );
  return [
    ...compareCount("deliveries", deliveries, looked.length),
    ...compareCount("attempts", attempts, tries.length),
    ...(times === undefined ? [] : [{ what: "at", ...times }]),
    ...compareStates(state, looked),
    ...compareContent(expected, looked, scene),
  ];
}

function compareContent(
  { rendered, target, headers, events, alert, reason }: Expectation,
  looked: readonly RehearsedDelivery[],
  scene: Scene,
): readonly Difference[] {
  const sent = looked.map((one) => one.sent?.rendered);
  const bodies = sent.map((request) => request?.body);
  const carried = looked.flatMap((one) => scene.eventsOf(one));
  return [
    ...compareEach("rendered", rendered, bodies),
    ...compareTexts(
      "target",
      target,
      sent.map((request) => request?.target),
      fitsText,
    ),
    ...compareHeaders(
      headers,
      sent.map((request) => request?.headers),
    ),
    ...(typeof events === "number" || events === undefined
      ? compareCount("events", events, scene.countEvents(looked))
      : compareSubset(events, carried, "events")),
    ...compareEach(
      "alert",
      alert,
      looked.map((one) => one.sent?.delivery.alert),
    ),
    ...compareTexts(
      "reason",
      reason,
      looked.map(({ row }) => row.reason),
      fitsReason,
    ),
  ];
}

function triesOf({ attempts }: RehearsedDelivery): readonly number[] {
  // Looking again at something that is pending is no attempt of its own.
  const first = new Map<number, number>();
  for (const { number, startedAt } of attempts) {
    if (!first.has(number)) first.set(number, startedAt);
  }
  return [...first.values()];
}

function compareCount(what: string, expected: number | undefined, actual: number): Difference[] {
  if (expected === undefined || expected === actual) return [];
  return [{ what, expected: String(expected), actual: String(actual) }];
}

function compareStates(
  expected: DeliveryState | undefined,
  looked: readonly RehearsedDelivery[],
): Difference[] {
  const states = looked.map(({ row }) => row.state);
  if (expected === undefined || states.every((state) => state === expected)) return [];
  return [{ what: "state", expected, actual: states.join(", ") }];
}

/** One value that all have, or a list with one for each; a single delivery may have a list itself. */
function compareEach(
  what: string,
  expected: unknown,
  actual: readonly (JsonValue | object | undefined)[],
): Difference[] {
  if (expected === undefined) return [];
  const [first] = actual;
  const isOne = !Array.isArray(expected) || (actual.length === 1 && Array.isArray(first));
  if (!isOne) return compareSubset(expected, actual, what);
  return actual.flatMap((value, index) =>
    compareSubset(expected, value, actual.length === 1 ? what : `delivery ${index + 1}: ${what}`),
  );
}

function compareTexts(
  what: string,
  expected: string | undefined,
  actual: readonly (string | undefined)[],
  fits: (expected: string, actual: string) => boolean,
): Difference[] {
  if (expected === undefined) return [];
  return actual
    .filter((text) => text === undefined || !fits(expected, text))
    .map((text) => ({ what, expected: show(expected), actual: show(text) }));
}

function compareHeaders(
  expected: Expectation["headers"],
  actual: readonly (Readonly<Record<string, string>> | undefined)[],
): Difference[] {
  return Object.entries(expected ?? {}).flatMap(([name, value]) =>
    compareTexts(
      `headers.${name.toLowerCase()}`,
      String(value),
      actual.map((headers) => headers?.[name.toLowerCase()]),
      fitsText,
    ),
  );
}

/** Reasons are whole sentences: a part of them is enough, unless it is written with `*`. */
function fitsReason(expected: string, actual: string): boolean {
  return expected.includes("*") ? fitsText(expected, actual) : actual.includes(expected);
}

function describe({ row, attempts, sent }: RehearsedDelivery): string {
  const { id, state, eventType, eventId, reason, dueAt } = row;
  const due =
    dueAt === undefined || state === "running" ? "" : `, due ${new Date(dueAt).toISOString()}`;
  const request = sent?.rendered === undefined ? "" : `, ${sent.rendered.target}`;
  const because = reason === undefined ? "" : `: ${reason}`;
  const tries =
    attempts.length === 0 ? "" : `, ${plural(triesOf({ row, attempts, sent }).length, "attempt")}`;
  return `${toDeliveryId(id)} of ${eventType} (${eventId}) is ${state}${tries}${due}${request}${because}`;
}
