import type { DeliveryEventType } from "../catalogue.ts";
import type { PipehooksEvent } from "../event.ts";
import { moods, type Told, textAt, type Words } from "./told.ts";

/** What Pipehooks says of itself. A type that is added to the catalogue is a type error here. */
export const ownWords: Readonly<Record<DeliveryEventType, Words>> = {
  "pipehooks.delivery.accepted": told((event) => ({
    title: `${hookOf(event)} will deliver ${whatOf(event)}`,
    ...moods.news,
  })),
  "pipehooks.delivery.attempted": told((event) => ({
    title: `${hookOf(event)} tried to deliver ${whatOf(event)}: ${textAt(event, "outcome") ?? "?"}`,
    ...moods.news,
  })),
  "pipehooks.delivery.delivered": told((event) => ({
    title: `${hookOf(event)} delivered ${whatOf(event)}`,
    ...moods.good,
  })),
  "pipehooks.delivery.retrying": {
    tell: (event, { inSentence }) => ({
      title: `${hookOf(event)} could not deliver ${whatOf(event)} yet`,
      ...moods.warning,
      summary: saidOf(event, "next_at", (at) => `It is tried again at ${inSentence(at)}.`),
    }),
  },
  "pipehooks.delivery.pending": told((event) => ({
    title: `${hookOf(event)} waits for what ${whatOf(event)} started`,
    ...moods.news,
  })),
  "pipehooks.delivery.dead": told((event) => ({
    title: `${hookOf(event)} could not deliver ${whatOf(event)}`,
    ...moods.problem,
    summary: `It is not tried again. To do so: pipehooks replay ${textAt(event, "delivery") ?? "ID"}`,
  })),
  "pipehooks.delivery.skipped": told((event) => ({
    title: `${hookOf(event)} skipped ${whatOf(event)}`,
    ...moods.news,
  })),
  "pipehooks.hook.disabled": told((event) => ({
    title: `${hookOf(event)} is switched off`,
    ...moods.problem,
    summary: `Nothing is delivered until it is on again: pipehooks enable ${textAt(event, "hook") ?? "HOOK"}`,
  })),
  "pipehooks.hook.enabled": told((event) => ({
    title: `${hookOf(event)} is switched on again`,
    ...moods.resolved,
  })),
  "pipehooks.destination.paused": {
    tell: (event, { inSentence }) => ({
      title: `Deliveries to ${textAt(event, "destination") ?? "a destination"} are paused`,
      ...moods.warning,
      summary: saidOf(event, "until", (until) => `They go on at ${inSentence(until)}.`),
    }),
  },
  "pipehooks.gate.full": told((event) => ({
    title: `The gate of hook ${textAt(event, "hook") ?? "?"} is full`,
    ...moods.problem,
    summary: `Events of further groups are dead letters: it remembers ${textAt(event, "max_keys") ?? "so many"} at most.`,
  })),
  "pipehooks.absence.missed": {
    tell(event, { inSentence }) {
      const by = saidOf(event, "deadline", (deadline) => ` by ${inSentence(deadline)}`);
      const last = saidOf(event, "last", (at) => `It last came ${inSentence(at)}.`);
      return {
        title: `${expectedOf(event)} did not come${by ?? " in time"}`,
        ...moods.problem,
        summary: last ?? "It never came before.",
        since: textAt(event, "since"),
      };
    },
  },
  "pipehooks.absence.resolved": {
    tell(event, { inSentence }) {
      const came = saidOf(event, "came", (at) => ` and came at ${inSentence(at)}`) ?? "";
      return {
        title: `${expectedOf(event)} came after all`,
        ...moods.resolved,
        summary: saidOf(event, "missed_at", (at) => `It was expected by ${inSentence(at)}${came}.`),
      };
    },
  },
  "pipehooks.join.incomplete": {
    tell(event, { inSentence }) {
      const until = saidOf(event, "deadline", inSentence) ?? "the deadline";
      return {
        title: `${hookOf(event)} waited in vain for ${textAt(event, "missing") ?? "some inputs"}${keyOf(event)}`,
        ...moods.warning,
        summary: `What came until ${until}: ${textAt(event, "came") || "nothing"}.`,
        since: textAt(event, "since"),
      };
    },
  },
};

function told(tell: (event: PipehooksEvent) => Told): Words {
  return { tell };
}

function hookOf(event: PipehooksEvent): string {
  return `Hook ${textAt(event, "hook") ?? event.subject ?? "(without a name)"}`;
}

function whatOf(event: PipehooksEvent): string {
  return textAt(event, "event_type") ?? "an event";
}

function expectedOf(event: PipehooksEvent): string {
  return `${textAt(event, "expect") ?? "What was expected"}${keyOf(event)}`;
}

function keyOf(event: PipehooksEvent): string {
  return saidOf(event, "key", (key) => ` of ${key}`) ?? "";
}

function saidOf(
  event: PipehooksEvent,
  name: string,
  say: (text: string) => string,
): string | undefined {
  const text = textAt(event, name);
  return text === undefined || text === "" ? undefined : say(text);
}
