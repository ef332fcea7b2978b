import { EventEmitter } from "eventemitter3";
import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Logger } from "./logger.ts";
import { compileTypePatterns } from "./router.ts";

export type Listener<Event extends PipehooksEvent = PipehooksEvent> = (
  event: Event,
) => void | Promise<void>;

/** In-process listeners by pattern. */
export interface Listeners {
  /** @throws HookError CONFIG_INVALID for a bad glob, and for what is no function */
  on(pattern: string, listener: Listener): Disposable;
  wants(type: string): boolean;
  tell(event: PipehooksEvent): void;
}

const rememberedTypes = 1000;

export function createListeners(logger: Logger): Listeners {
  const emitter = new EventEmitter<Record<string, [PipehooksEvent]>>();
  const patterns = new Map<string, (type: string) => boolean>();
  const byType = new Map<string, readonly string[]>();

  const patternsOf = (type: string): readonly string[] => {
    const known = byType.get(type);
    if (known !== undefined) return known;
    if (byType.size >= rememberedTypes) byType.clear();
    const found = [...patterns].filter(([, matches]) => matches(type)).map(([pattern]) => pattern);
    byType.set(type, found);
    return found;
  };

  return {
    on(pattern, listener) {
      if (typeof pattern !== "string" || typeof listener !== "function") {
        const example = 'on("pipeline.*", (event) => { … })';
        throw new HookError("CONFIG_INVALID", `A listener is a glob and a function: ${example}.`);
      }
      patterns.set(pattern, patterns.get(pattern) ?? compileTypePatterns([pattern]));
      byType.clear();
      const guarded = (event: PipehooksEvent) => {
        try {
          const done = listener(event);
          if (done instanceof Promise)
            done.catch((error: unknown) => report(pattern, error, logger));
        } catch (error) {
          report(pattern, error, logger);
        }
      };
      emitter.on(pattern, guarded);
      return {
        [Symbol.dispose]() {
          emitter.off(pattern, guarded);
          if (emitter.listenerCount(pattern) === 0) patterns.delete(pattern);
          byType.clear();
        },
      };
    },
    wants: (type) => patterns.size > 0 && patternsOf(type).length > 0,
    tell(event) {
      if (patterns.size === 0) return;
      for (const pattern of patternsOf(event.type)) emitter.emit(pattern, event);
    },
  };
}

function report(pattern: string, error: unknown, logger: Logger): void {
  logger.error(`A listener on "${pattern}" threw: ${messageOf(error)}`);
}
