import type { DatabaseSync } from "node:sqlite";
import {
  commonKey,
  type GateFacts,
  type GateInput,
  type GateSpec,
  type GateStep,
  latestWake,
  passGate,
  takenOut,
} from "@pipehooks/core/gates";
import { nowhere, prepareGateActions, type Turn, type Ungated } from "./gate-actions.ts";
import {
  damagedMemory,
  type KeptMemory,
  prepareGateMemories,
  toGateMemory,
} from "./gate-memory.ts";
import type { Ledger } from "./ledger.ts";
import { tallies } from "./states.ts";

/** An event at a gate. */
export interface Arrival {
  readonly hook: number;
  readonly spec: GateSpec;
  readonly key: string;
  readonly facts: GateFacts;
  readonly orderKey: string | null;
  readonly event: number;
  readonly now: number;
}

/** What an event came to. */
export interface Passed {
  readonly delivery: number;
  readonly state: number;
  readonly announced: boolean;
}

export interface Gates {
  /** Takes a gate one step on with an event. */
  pass(arrival: Arrival): Passed;
  /** Makes keys known to the gate that it does not know. */
  seed(asked: Asked, keys: readonly string[]): boolean;
  /** Asks a gate whose time has come, for a bounded number of keys. */
  wake(asked: Asked): Woken;
  /** Lets through what was gathered for a hook that has no gate any more, and forgets its keys; a bounded number of them. */
  takeOut(hook: number, now: number): Woken;
}

interface Woken {
  readonly announced: boolean;
  readonly nextAt: number | null;
}

interface Asked {
  readonly hook: number;
  readonly spec: GateSpec;
  readonly now: number;
}

/** What a turn begins with, beside who asks. */
interface Beginning {
  readonly key: string;
  readonly event?: number;
  readonly orderKey?: string | null;
  readonly kept: KeptMemory | undefined;
}

export type PrepareGates = typeof prepareGates;

/** Keys asked in one claim. */
const keysPerClaim = 200;

export function prepareGates(db: DatabaseSync, ledger: Ledger): Gates {
  const memories = prepareGateMemories(db, ledger);
  const actions = prepareGateActions(db, ledger);

  function begin(asked: Asked, at: Beginning): Turn {
    return { ...beginUngated(asked, at), spec: asked.spec };
  }

  function beginUngated({ hook, now }: Omit<Asked, "spec">, at: Beginning): Ungated {
    return {
      hook,
      key: at.key,
      now,
      event: at.event ?? null,
      orderKey: at.orderKey ?? null,
      delivery: at.kept?.delivery ?? null,
      gathered: at.kept?.gathered ?? 0,
      place: nowhere,
      announced: false,
    };
  }

  function finish(turn: Turn, step: GateStep, before: KeptMemory | undefined): void {
    actions.run(turn, step.actions);
    memories.save({ ...turn, before }, { step, delivery: turn.delivery, gathered: turn.gathered });
  }

  /** Forgets what cannot be used; what was gathered, or else what was kept, becomes a dead letter, so that it shows. */
  function discard(turn: Turn, kept: KeptMemory, why: unknown): void {
    const fault = damagedMemory(ledger.name(turn.hook), turn.key, why);
    const reason = `${fault.code}: ${fault.message}`;
    if (turn.delivery !== null) actions.bury(turn, reason);
    else if (kept.keep !== null) actions.buryEvent(turn, kept.keep, reason);
    memories.forget(kept);
  }

  /** A gate has no room for one key more: the event is a dead letter, and the first time that is announced. */
  function refuse(turn: Turn): void {
    const hook = ledger.name(turn.hook);
    const { key, spec } = turn;
    actions.run(turn, [
      {
        type: "dead",
        reason:
          `The gate of hook "${hook}" remembers ${spec.maxKeys} keys, the most that max_keys lets it, and "${key}" would ` +
          'be one more. Raise max_keys, or choose a "by" with fewer values; a replay delivers this event by itself.',
      },
    ]);
    if (ledger.count(turn.hook, tallies.full) > 0) return;
    ledger.tally(turn.hook, tallies.full, 1);
    const metadata = { hook, key: key === commonKey ? null : key, max_keys: spec.maxKeys };
    actions.run(turn, [{ type: "announce", event: { type: "pipehooks.gate.full", metadata } }]);
  }

  function isRefused({ hook, spec }: Asked): boolean {
    if (ledger.count(hook, tallies.keys) >= spec.maxKeys) return true;
    if (ledger.count(hook, tallies.full) > 0) ledger.tally(hook, tallies.full, -1);
    return false;
  }

  function ask(asked: Asked, kept: KeptMemory): boolean {
    const { key } = kept;
    const turn = begin(asked, { key, kept });
    const first = attempt(asked, { key, kept, input: { type: "timer" } });
    if ("step" in first) {
      finish(turn, first.step, kept);
    } else {
      discard(turn, kept, first.failed);
      const anew = attempt(asked, { key, kept: undefined, input: { type: "seed" } });
      if ("step" in anew) finish(turn, anew.step, undefined);
    }
    return turn.announced;
  }

  return {
    pass(arrival) {
      const { hook, spec, key, facts, event, orderKey } = arrival;
      let kept = memories.find(hook, key);
      const turn = begin(arrival, { key, event, orderKey, kept });
      const input: GateInput = { type: "event", ref: event, facts };
      let passed = attempt(arrival, { key, kept, input });
      if ("failed" in passed && kept !== undefined) {
        discard(turn, kept, passed.failed);
        kept = undefined;
        passed = attempt(arrival, { key, kept, input });
      }
      if ("failed" in passed) {
        const reason = `The ${spec.kind} gate failed: ${String(passed.failed)}.`;
        actions.run(turn, [{ type: "dead", reason }]);
      } else if (kept === undefined && passed.step.value !== undefined && isRefused(arrival)) {
        refuse(turn);
      } else {
        finish(turn, passed.step, kept);
      }
      return { ...turn.place, announced: turn.announced };
    },

    seed(asked, keys) {
      let announced = false;
      for (const key of keys) {
        if (memories.find(asked.hook, key) !== undefined) continue;
        const turn = begin(asked, { key, kept: undefined });
        const step = passGate(asked.spec, key, undefined, { type: "seed" }, asked.now);
        finish(turn, step, undefined);
        announced ||= turn.announced;
      }
      return announced;
    },

    wake(asked) {
      const { hook, spec, now } = asked;
      const due = memories.due(hook, now, keysPerClaim);
      // A time further off than any wait of the gate was set before the clock was set back.
      const room = keysPerClaim - due.length;
      const far = room === 0 ? [] : memories.far(hook, latestWake(spec, now), room);
      let announced = false;
      for (const kept of [...due, ...far]) announced = ask(asked, kept) || announced;
      const next = memories.earliest(hook);
      const more = due.length + far.length === keysPerClaim || (next !== null && next <= now);
      return { announced, nextAt: next !== null && more ? now : next };
    },

    takeOut(hook, now) {
      const keys = memories.any(hook, keysPerClaim);
      for (const kept of keys) {
        actions.release(beginUngated({ hook, now }, { key: kept.key, kept }), takenOut);
        memories.forget(kept);
      }
      return { announced: false, nextAt: keys.length === keysPerClaim ? now : null };
    },
  };
}

/** One step of the gate, or why there is none. */
function attempt(
  { spec, now }: Asked,
  at: { key: string; kept: KeptMemory | undefined; input: GateInput },
): { readonly step: GateStep } | { readonly failed: unknown } {
  const { key, kept, input } = at;
  try {
    const memory = kept === undefined ? undefined : toGateMemory(kept);
    const step = passGate(spec, key, memory, input, now);
    if (Number.isNaN(step.wakeAt)) return { failed: "it is of another kind of gate" };
    return { step };
  } catch (failed) {
    return { failed };
  }
}
