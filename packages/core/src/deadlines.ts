import type { Clock } from "./clock.ts";

/** Time-outs of one length, of which thousands a second are set and hardly one expires: one timer for all of them. */
export interface Deadlines {
  /** Has it expire when the time is over, which has begun just now. */
  set(deadline: Deadline, now: number): void;
  /** Takes one back; it may be called twice, and after it has expired. */
  lift(deadline: Deadline): void;
}

/** What can expire; it stands in the list by itself, for one is made for each delivery. */
export abstract class Deadline {
  at = 0;
  before: Deadline | undefined = undefined;
  after: Deadline | undefined = undefined;
  isSet = false;

  /** Called when its time is over; it is lifted by then. */
  abstract expire(): void;
}

export function createDeadlines(clock: Clock, ms: number): Deadlines {
  // In the order of their times, which is that in which they were set.
  let first: Deadline | undefined;
  let last: Deadline | undefined;
  let isWatched = false;

  const watch = (): void => {
    if (isWatched || first === undefined) return;
    isWatched = true;
    clock.timer(first.at - clock.now(), () => {
      isWatched = false;
      const now = clock.now();
      while (first !== undefined && first.at <= now) {
        const expired = first;
        lift(expired);
        expired.expire();
      }
      watch();
    });
  };

  const lift = (deadline: Deadline): void => {
    if (!deadline.isSet) return;
    const { before, after } = deadline;
    if (before === undefined) first = after;
    else before.after = after;
    if (after === undefined) last = before;
    else after.before = before;
    // Or one that is forgotten would keep alive all that come after it.
    deadline.before = undefined;
    deadline.after = undefined;
    deadline.isSet = false;
  };

  return {
    set(deadline, now) {
      deadline.at = now + ms;
      deadline.before = last;
      deadline.isSet = true;
      if (last === undefined) first = deadline;
      else last.after = deadline;
      last = deadline;
      watch();
    },
    lift,
  };
}
