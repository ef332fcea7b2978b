import type { JsonObject, JsonValue } from "@pipehooks/core";

/** A value that all hooks and processes with the same token share. */
export interface Shared {
  update(reduce: (value: JsonValue | undefined) => JsonValue | undefined): Promise<void>;
}

/** Which runs of a token hold a kernel, and whose runs they are. */
export interface Ledger {
  /**
   * Keeps a place for the start of this marker; answers how many others there are, and whether it got one. One that it
   * has already is kept on.
   */
  take(marker: string, now: number): Promise<{ readonly taken: boolean; readonly others: number }>;
  /** Says that a start may still have a run, or that its run still goes on. */
  keep(marker: string, now: number): Promise<void>;
  release(marker: string, now: number): Promise<void>;
  /** Writes down whose run the first of these is that is nobody else's, and answers it. */
  own(marker: string, runIds: readonly string[], now: number): Promise<string | undefined>;
}

/** A place is given up when nobody has looked for so long: the process died, or the delivery was cancelled. */
const placeMs = 10 * 60_000;
/** Owners are known longer than any process is down in a hurry; a run in want of an owner is younger. */
const ownedMs = 6 * 3_600_000;

export function createLedger(parts: {
  readonly places: Shared;
  readonly owners: Shared;
  readonly most: number;
}): Ledger {
  const { places, owners, most } = parts;
  // What this process knows to be written: most looks then write nothing.
  const keptUntil = new Map<string, number>();

  const write = (marker: string, now: number): Promise<void> => {
    keptUntil.set(marker, now + placeMs);
    return places.update((value) => ({ ...living(value, now), [marker]: now + placeMs }));
  };

  return {
    async take(marker, now) {
      let taken = false;
      let others = 0;
      await places.update((value) => {
        const { [marker]: own, ...rest } = living(value, now);
        others = Object.keys(rest).length;
        taken = own !== undefined || others < most;
        return taken ? { ...rest, [marker]: now + placeMs } : rest;
      });
      if (taken) keptUntil.set(marker, now + placeMs);
      return { taken, others };
    },
    async keep(marker, now) {
      if ((keptUntil.get(marker) ?? 0) < now + placeMs / 2) await write(marker, now);
    },
    async release(marker, now) {
      keptUntil.delete(marker);
      await places.update((value) => {
        const { [marker]: _own, ...rest } = living(value, now);
        return rest;
      });
    },
    async own(marker, runIds, now) {
      let owned: string | undefined;
      await owners.update((value) => {
        const known = new Map(
          Object.entries(objectOf(value)).filter(
            ([, entry]) => Array.isArray(entry) && Number(entry[1]) > now,
          ),
        );
        owned = runIds.find((id) => {
          const entry = known.get(id);
          return entry === undefined || (Array.isArray(entry) && entry[0] === marker);
        });
        if (owned !== undefined) known.set(owned, [marker, now + ownedMs]);
        return Object.fromEntries(known);
      });
      return owned;
    },
  };
}

function living(value: JsonValue | undefined, now: number): JsonObject {
  return Object.fromEntries(
    // What lies too far ahead was written before the clock was set back.
    Object.entries(objectOf(value)).filter(
      ([, until]) => Number(until) > now && Number(until) <= now + 2 * placeMs,
    ),
  );
}

function objectOf(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  // Array.isArray does not narrow readonly arrays.
  return isObject ? (value as JsonObject) : {};
}
