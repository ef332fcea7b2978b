import type { JsonValue } from "./json.ts";
import type { Memory, MemoryChange, Store } from "./store.ts";

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
  let memory: SwitchMemory = {};
  const change = async (reduce: (memory: SwitchMemory) => SwitchMemory) => {
    const stored = await store.update(key, (value) => toChange(reduce(fromJson(value))));
    memory = fromJson(stored.value);
  };
  return {
    key,
    get off() {
      return memory.disabledAt === undefined
        ? undefined
        : { at: memory.disabledAt, because: memory.because ?? "it was disabled" };
    },
    learn(stored) {
      memory = fromJson(stored?.value);
    },
    record({ health, now, disableAfter, message }) {
      if (health === "unknown") return undefined;
      if (health === "good" && (memory.failures ?? 0) === 0) return undefined;
      if (health === "bad" && disableAfter === undefined) return undefined;
      return count();

      async function count(): Promise<string | undefined> {
        let because: string | undefined;
        await change((before) => {
          because = undefined;
          if (before.disabledAt !== undefined) return before;
          if (health === "good") return {};
          const failures = (before.failures ?? 0) + 1;
          if (health === "gone") because = `the receiver is gone: ${message}`;
          else if (disableAfter !== undefined && failures >= disableAfter) {
            because = `${failures} failures in a row, the last: ${message}`;
          }
          return because === undefined ? { failures } : { failures, disabledAt: now, because };
        });
        return because;
      }
    },
    enable: () => change(() => ({})),
    disable: (because, now) => change((before) => ({ ...before, disabledAt: now, because })),
  };
}

function toChange(memory: SwitchMemory): MemoryChange {
  const empty = memory.failures === undefined && memory.disabledAt === undefined;
  return {
    value: empty ? undefined : (JSON.parse(JSON.stringify(memory)) as JsonValue),
    blockedUntil: memory.disabledAt === undefined ? undefined : forEver,
  };
}

// Only this module writes under its key, so the shape is known.
function fromJson(value: JsonValue | undefined): SwitchMemory {
  return (value ?? {}) as SwitchMemory;
}
