import type { JsonValue } from "./json.ts";
import { createSharedMemory } from "./shared-memory.ts";
import type { Memory, MemoryChange, Store } from "./store.ts";
import { withoutStop } from "./without-stop.ts";

/** Failures in a row of a hook, and whether that (or the receiver) has switched it off. */
interface SwitchMemory {
  readonly failures?: number | undefined;
  readonly disabledAt?: number | undefined;
  readonly because?: string | undefined;
}

/** The switch of one hook, shared by all processes; once off it stays off until somebody enables it. */
export interface HookSwitch {
  readonly key: string;
  readonly off: { readonly at: number; readonly because: string } | undefined;
  learn(memory: Memory | undefined): void;
  /** Counts an attempt; answers why it was switched off by this one, if it was. */
  record(report: {
    readonly health: "good" | "bad" | "unknown" | "gone";
    readonly now: number;
    readonly disableAfter: number | undefined;
    readonly message: string | undefined;
  }): Promise<string | undefined> | undefined;
  enable(): Promise<void>;
  disable(because: string, now: number): Promise<void>;
}

/** "Until somebody enables it" as a time: the last that a JavaScript Date can hold. */
const forEver = 8_640_000_000_000_000;

export function createHookSwitch(hook: string, store: Store): HookSwitch {
  const key = `hook:${hook}`;
  const memory = createSharedMemory<SwitchMemory>({ store, key, empty: {}, toChange });
  return {
    key,
    get off() {
      const { disabledAt, because = "it was disabled" } = memory.value;
      return disabledAt === undefined ? undefined : { at: disabledAt, because };
    },
    learn: memory.learn,
    record({ health, now, disableAfter, message }) {
      if (health === "unknown") return undefined;
      if (health === "good" && (memory.value.failures ?? 0) === 0) return undefined;
      if (health === "bad" && disableAfter === undefined) return undefined;
      return count();

      async function count(): Promise<string | undefined> {
        // At once in this process, so that nothing more is begun; the store's word follows.
        const last = withoutStop(message ?? "");
        const { before, after } = await memory.changeNow((memory) => {
          if (memory.disabledAt !== undefined) return memory;
          if (health === "good") return {};
          const failures = (memory.failures ?? 0) + 1;
          if (health === "gone") {
            return { failures, disabledAt: now, because: `the receiver is gone: ${last}` };
          }
          if (disableAfter === undefined || failures < disableAfter) return { failures };
          const because = `${failures} failures in a row, the last: ${last}`;
          return { failures, disabledAt: now, because };
        });
        return before.disabledAt === undefined ? after.because : undefined;
      }
    },
    async enable() {
      await memory.change(() => ({}));
    },
    async disable(because, now) {
      await memory.changeNow((before) => ({ ...before, disabledAt: now, because }));
    },
  };
}

function toChange(memory: SwitchMemory): MemoryChange {
  const empty = memory.failures === undefined && memory.disabledAt === undefined;
  return {
    value: empty ? undefined : (JSON.parse(JSON.stringify(memory)) as JsonValue),
    blockedUntil: memory.disabledAt === undefined ? undefined : forEver,
  };
}
