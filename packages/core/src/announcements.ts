import { messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import { deepFreeze } from "./json.ts";
import type { Logger } from "./logger.ts";
import type { Places } from "./router.ts";
import type { Routed, Store } from "./store.ts";

/** Routes what gates announced: they work inside the store, which knows no routes. */
export interface Announcements extends AsyncDisposable {
  /** Looks for what is not routed yet, soon. */
  route(): void;
  /** Resolves when no routing is under way. */
  settled(): Promise<void>;
  /** Looks for nothing more; what comes from now on is routed by the next process. */
  [Symbol.asyncDispose](): Promise<void>;
}

const mostAtATime = 100;

export function createAnnouncements(parts: {
  readonly store: Store;
  readonly logger: Logger;
  readonly now: () => number;
  readonly places: (event: PipehooksEvent, now: number) => Places;
  /** Told of each event that this process has routed. */
  readonly routed: (event: PipehooksEvent, routed: Routed) => void;
}): Announcements {
  const { store, logger, now, places, routed } = parts;
  let routing: Promise<void> | undefined;
  let again = false;
  let ended = false;

  const routeAll = async (): Promise<void> => {
    for (;;) {
      const rows = await store.unrouted(mostAtATime);
      if (rows.length === 0) return;
      const at = now();
      const found = rows.map(({ seq, body }) => {
        const event = deepFreeze(JSON.parse(body) as PipehooksEvent);
        return { event, routed: { seq, at, ...places(event, at) } };
      });
      const mine = await store.route(found.map((each) => each.routed));
      for (const [index, each] of found.entries()) {
        if (mine[index] === true) routed(each.event, each.routed);
      }
      if (rows.length < mostAtATime) return;
    }
  };

  const route = (): void => {
    if (ended) return;
    if (routing !== undefined) {
      again = true;
      return;
    }
    routing = routeAll()
      .catch((error: unknown) => {
        // The next look around finds them again.
        logger.warn(`What gates announced could not be routed yet: ${messageOf(error)}`);
      })
      .finally(() => {
        routing = undefined;
        if (again) {
          again = false;
          route();
        }
      });
  };

  const settled = async (): Promise<void> => {
    while (routing !== undefined) await routing;
  };

  return {
    route,
    settled,
    async [Symbol.asyncDispose]() {
      await settled();
      ended = true;
      await routing;
    },
  };
}
