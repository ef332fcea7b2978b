import type { JsonObject, JsonValue, SharedValue } from "@pipehooks/core";
import { isObject } from "../templates.ts";

/** What is remembered of one incident of an alert gate. */
export interface IncidentNote {
  /** Its end was told: nothing that comes after it is. */
  readonly resolved?: boolean | undefined;
  /** Where its first message is, in the channel's own terms. */
  readonly place?: JsonObject | undefined;
}

/**
 * Notes on incidents, in the store, so that they outlive the process. One delivery of an incident is under way at a time,
 * whichever process has it: an end that overtook its beginning would leave open what is over.
 */
export interface Incidents {
  /** The note, or undefined while another delivery of the incident is under way. */
  take(incident: string, delivery: string): Promise<IncidentNote | undefined>;
  /** Adds to the note. */
  write(incident: string, note: IncidentNote): Promise<void>;
  /** Lets other deliveries of the incident go. */
  release(incident: string, delivery: string, note?: IncidentNote): Promise<void>;
  /** The note, whoever is under way. */
  read(incident: string): Promise<IncidentNote>;
}

/** Of more the ones that are over, and then those written longest ago, are forgotten. */
const mostNotes = 500;
/** A delivery that has not ended by then died with its process. */
const longestMs = 60_000;

interface Entry extends IncidentNote {
  /** The delivery that is under way, and until when that is believed. */
  readonly by?: string | undefined;
  readonly until?: number | undefined;
}

export function createIncidents(shared: SharedValue, now: () => number): Incidents {
  const change = (incident: string, reduce: (before: Entry) => Entry): Promise<void> =>
    shared.update((value) => {
      const { [incident]: before, ...others } = isObject(value) ? value : {};
      return forget({ ...others, [incident]: toJson(reduce(toEntry(before))) });
    });

  return {
    async take(incident, delivery) {
      let taken: IncidentNote | undefined;
      await change(incident, (before) => {
        const { by, until = 0, ...note } = before;
        // A time far ahead means that the clock was set back.
        const isBusy = by !== undefined && until > now() && until <= now() + longestMs;
        taken = isBusy && by !== delivery ? undefined : note;
        return taken === undefined ? before : { ...note, by: delivery, until: now() + longestMs };
      });
      return taken;
    },
    write: (incident, note) => change(incident, (before) => ({ ...before, ...note })),
    release: (incident, delivery, note = {}) =>
      change(incident, (before) => {
        const { by, until, ...rest } = before;
        return by === delivery ? { ...rest, ...note } : { ...before, ...note };
      }),
    async read(incident) {
      let found: IncidentNote = {};
      await shared.update((value) => {
        found = toEntry(isObject(value) ? value[incident] : undefined);
        return value;
      });
      return found;
    },
  };
}

function forget(notes: JsonObject): JsonObject {
  const entries = Object.entries(notes);
  const surplus = entries.length - mostNotes;
  if (surplus <= 0) return notes;
  const over = entries.filter(([, note]) => toEntry(note).resolved === true);
  const leaving = new Set([...over, ...entries].slice(0, surplus).map(([incident]) => incident));
  return Object.fromEntries(entries.filter(([incident]) => !leaving.has(incident)));
}

function toEntry(value: JsonValue | undefined): Entry {
  if (!isObject(value)) return {};
  const { resolved, place, by, until } = value;
  return {
    ...(resolved === true && { resolved }),
    ...(isObject(place) && { place }),
    ...(typeof by === "string" && typeof until === "number" && { by, until }),
  };
}

function toJson({ resolved, place, by, until }: Entry): JsonObject {
  return {
    ...(resolved === true && { resolved }),
    ...(place !== undefined && { place }),
    ...(by !== undefined && until !== undefined && { by, until }),
  };
}
