import { type Attempt, startAttempt } from "../attempt.ts";
import type { BatchRecord, BatchSender } from "../batch.ts";
import { endingOf, threwEnding } from "../delivery-ending.ts";
import { HookError, isHookError } from "../errors.ts";
import type { Ended, Ending } from "../judge.ts";
import type { Lane } from "../lane.ts";

/** Sends records in one call, within the lane's time-out; answers an ending for each. */
export function startCall({
  lane,
  sender,
  records,
  startedAt,
  ended,
}: {
  readonly lane: Lane;
  readonly sender: BatchSender;
  readonly records: readonly BatchRecord[];
  readonly startedAt: number;
  readonly ended: (ending: Ended<readonly Ending[]>) => void;
}): Attempt {
  return startAttempt<readonly Ending[]>({
    work: async ({ signal }) => sender.send(records, { signal, logger: lane.logger }),
    returned: (value) => toEndings(lane.hook, value, records.length),
    threw: (error) => ({ type: "threw", error }),
    says: () => false,
    ended,
    name: lane.hook,
    startedAt,
    timeoutMs: lane.policy.timeoutMs,
    deadlines: lane.deadlines,
  });
}

/** What became of each record, checked: hooks are also written without types. */
function toEndings(name: string, value: unknown, count: number): Ended<readonly Ending[]> {
  const outcomes: readonly unknown[] | undefined =
    value === undefined ? Array.from({ length: count }) : Array.isArray(value) ? value : undefined;
  if (outcomes?.length !== count) {
    const said = outcomes === undefined ? "no list" : `${outcomes.length} outcomes`;
    const message = `${name}: send() answered ${said} for ${count} records. Answer one for each, or nothing.`;
    return { type: "threw", error: new HookError("HOOK_FAILED", message) };
  }
  const outcome = outcomes.map((each) =>
    isHookError(each) ? threwEnding(name, each) : endingOf(name, each, "send() answered"),
  );
  return { type: "returned", outcome };
}
