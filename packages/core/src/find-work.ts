import type { Lane } from "./lane.ts";
import type { Store } from "./store.ts";

/** Finds work, switches and pauses that other processes left in the store. */
export async function findWork(parts: {
  readonly store: Store;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly active: Set<Lane>;
}): Promise<void> {
  const { store, lanes, active } = parts;
  for (const { hook, dueAt = Number.POSITIVE_INFINITY, gated } of await store.lanes()) {
    const lane = lanes.get(hook);
    if (lane === undefined) continue;
    active.add(lane);
    lane.wakeAt = Math.min(lane.wakeAt, dueAt);
    if (lane.gate !== undefined) lane.gateAt = Math.min(lane.gateAt, dueAt);
    // It was taken out of the hook, and nothing else will ask for what it has gathered.
    else if (gated) lane.gateAt = 0;
  }
  const keys = [...active].flatMap((lane) => [lane.switch.key, lane.destination.key]);
  if (keys.length === 0) return;
  const memories = new Map((await store.read(keys)).map((memory) => [memory.key, memory]));
  for (const lane of active) {
    lane.switch.learn(memories.get(lane.switch.key));
    lane.destination.learn(memories.get(lane.destination.key));
  }
}
