import { subscribe } from "node:diagnostics_channel";
import type { Clock, Store } from "@pipehooks/core";

/**
 * Time of a process that another one leads: it stands still until it is told. Whether all is at rest need not be guessed:
 * what is asked of the store and of the receiver is counted until it is answered.
 * @param lateMs by how much its clock is late
 */
export function createLedTime(began: number, lateMs: number) {
  const timers = new Map<symbol, { readonly at: number; readonly callback: () => void }>();
  let time = began;
  let touched = 0;
  let unanswered = 0;
  let posts = 0;
  let heard = (): void => {};

  const ask = (): void => {
    touched += 1;
    unanswered += 1;
  };
  const hear = (): void => {
    touched += 1;
    unanswered -= 1;
    heard();
  };
  subscribe("undici:request:create", (message) => {
    ask();
    if ((message as { request: { method: string } }).request.method === "POST") posts += 1;
  });
  subscribe("undici:request:trailers", hear);
  subscribe("undici:request:error", hear);

  const clock: Clock = {
    now() {
      touched += 1;
      return time - lateMs;
    },
    timer(ms, callback) {
      touched += 1;
      const key = Symbol();
      timers.set(key, { at: time + Math.max(0, ms), callback });
      return { [Symbol.dispose]: () => void timers.delete(key) };
    },
  };

  const rest = async (): Promise<void> => {
    for (let quiet = 0; quiet < quietTurns; quiet += 1) {
      const before = touched;
      await new Promise<void>((resolve) => {
        if (unanswered > 0) heard = resolve;
        else setImmediate(resolve);
      });
      if (touched !== before || unanswered > 0) quiet = -1;
    }
  };

  const due = () =>
    [...timers].filter(([, { at }]) => at <= time).sort(([, one], [, other]) => one.at - other.at);

  return {
    clock,
    /** How many requests with the method POST were sent. */
    posts: (): number => posts,
    /** The store, its answers counted. */
    watch: (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== "function") return value;
          return (...given: unknown[]) => {
            const answer: unknown = value.apply(target, given);
            if (answer instanceof Promise) {
              ask();
              void answer.then(hear, hear);
            }
            return answer;
          };
        },
      }),
    /** Goes on to a time, at which timers fire; answers, when all is at rest, when the next one is to fire. */
    async goTo(end: number): Promise<number> {
      time = end;
      await rest();
      for (let next = due(); next.length > 0; next = due()) {
        for (const [key, { callback }] of next) if (timers.delete(key)) callback();
        await rest();
      }
      return Math.min(...[...timers.values()].map(({ at }) => at));
    },
  };
}

/** From an answer to what follows from it. */
const quietTurns = 6;
