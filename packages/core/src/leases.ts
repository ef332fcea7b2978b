import { letGoOf } from "./batching/gathering.ts";
import { HookError } from "./errors.ts";
import { aheadOf, type Held, heldIds, type Lane } from "./lane.ts";
import type { Store } from "./store.ts";

/** Holds on to what runs and waits here; breaks off what was cancelled or taken over meanwhile. */
export async function extendLeases(parts: {
  readonly store: Store;
  readonly owner: string;
  readonly lanes: Iterable<Lane>;
  readonly until: number;
  readonly giveBack: (lane: Lane, held: Held) => void;
}): Promise<void> {
  const { store, owner, lanes, until, giveBack } = parts;
  for (const lane of [...lanes]) {
    // A hook that has become slow holds more than it delivers soon; another process may be free. A batch keeps its room.
    const surplus = lane.gathering === undefined ? lane.buffer.splice(aheadOf(lane)) : [];
    for (const held of surplus) giveBack(lane, held);
    const ids = heldIds(lane);
    if (ids.length === 0) continue;
    const held = new Set(await store.extend({ owner, ids, until }));
    for (const id of ids.filter((id) => !held.has(id))) letGo(lane, id);
  }
}

function letGo(lane: Lane, id: number): void {
  const buffered = lane.buffer.findIndex((claimed) => claimed.id === id);
  if (buffered >= 0) lane.buffer.splice(buffered, 1);
  if (lane.gathering !== undefined) {
    letGoOf(lane.gathering, id);
    // A call that is under way goes on for the others in it.
    return;
  }
  const error = new HookError(
    "ABORTED",
    `${lane.hook}: the delivery was cancelled, or its lease was lost.`,
    { retryable: true },
  );
  lane.running.find(id)?.breakOff(error);
}

/** Waits for what runs until `deadline` aborts, and breaks off the rest. */
export async function endAttempts(lanes: Iterable<Lane>, deadline: AbortSignal): Promise<void> {
  const running = [...lanes].map((lane) => lane.running);
  const error = new HookError("ABORTED", "The bus was closed while the attempt ran.", {
    retryable: true,
  });
  const breakOff = () => {
    for (const attempt of running.flatMap((each) => [...each.attempts()])) attempt.breakOff(error);
  };
  if (deadline.aborted) breakOff();
  else deadline.addEventListener("abort", breakOff, { once: true });
  await Promise.all(running.map((each) => each.ended()));
  deadline.removeEventListener("abort", breakOff);
}
