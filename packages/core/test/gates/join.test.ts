import { type GateFacts, type JoinSpec, passGate } from "@pipehooks/core/gates";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, modelStart } from "./gate-model.ts";
import { compareWithLists, type ListModel, type ListRelease, scripts } from "./gate-script.ts";

const minute = 60_000;
const spec: JoinSpec = {
  ...commonSpec,
  hook: "build",
  kind: "join",
  inputs: ["orders", "customers", "events"],
  needed: 3,
  withinMs: undefined,
  baseline: "last_fire",
  onFailedInput: "wait",
  onDeadline: "drop",
  late: "next",
};

function open(changes: Partial<JoinSpec> = {}) {
  const model = createGateModel({ ...spec, ...changes });
  return {
    model,
    come: (...inputs: string[]) => model.emit({ facts: { inputs } }),
    fail: (...inputs: string[]) => model.emit({ facts: { inputs, failed: true } }),
    /** Refs of the events of each delivery, with its reason. */
    released: () => model.released().map(({ refs, reason }) => [refs, reason]),
    skipped: () => model.skipped().map(({ refs, reason }) => [refs, reason]),
  };
}

const iso = (afterStart: number) => new Date(modelStart + afterStart).toISOString();

describe("a join", () => {
  test("fires once, with all events, when every input has come", () => {
    const { model, come, released } = open();

    come("orders");
    come("customers");
    come("orders");
    come("events");

    expect(released()).toEqual([[[1, 2, 3, 4], "all inputs came: orders, customers, events"]]);
    expect(model.memory()).toBeUndefined();
  });

  test("tells of each input how many events it had, and when the first and the last came", () => {
    const { model, come } = open({ inputs: ["a", "b"], needed: 2 });

    come("a");
    model.wait(minute);
    come("a");
    model.wait(minute);
    come("b");

    expect(model.released()[0]?.release).toMatchObject({
      missing: [],
      inputs: {
        a: { count: 2, firstAt: modelStart, lastAt: modelStart + minute },
        b: { count: 1, firstAt: modelStart + 2 * minute, lastAt: modelStart + 2 * minute },
      },
    });
  });

  test("keeps keys apart", () => {
    const { model } = open({ inputs: ["a", "b"], needed: 2 });

    model.emit({ key: "monday", facts: { inputs: ["a"] } });
    model.emit({ key: "tuesday", facts: { inputs: ["b"] } });
    model.emit({ key: "monday", facts: { inputs: ["b"] } });

    expect(model.released().map(({ key, refs }) => [key, refs])).toEqual([["monday", [1, 3]]]);
    expect(model.gathering("tuesday")).toEqual([2]);
  });

  test("takes one event for several inputs", () => {
    const { come, released } = open({ inputs: ["a", "b"], needed: 2 });

    come("a", "b");

    expect(released()).toEqual([[[1], "all inputs came: a, b"]]);
  });

  test("fires when as many inputs have come as are needed", () => {
    const { come, released } = open({ needed: 2 });

    come("events");
    come("orders");

    expect(released()).toEqual([[[1, 2], "2 of 3 inputs came: orders, events"]]);
  });

  test("skips what is no input of it", () => {
    const { come, skipped, model } = open();

    come("elsewhere");
    come();

    expect(skipped()).toEqual([
      [[1], "it is no input of the join"],
      [[2], "it is no input of the join"],
    ]);
    expect(model.memory()).toBeUndefined();
  });

  test("waits for ever where it has no deadline", () => {
    const { model, come } = open();

    come("orders");
    model.wait(365 * 24 * 60 * minute);

    expect(model.memory()?.wakeAt).toBeUndefined();
    expect(model.gathering()).toEqual([1]);
  });

  test("forgets an input that the configuration no longer has", () => {
    const { model, come } = open({ inputs: ["a", "b", "c"], needed: 3 });
    come("a");
    come("b");
    const input = { type: "event", ref: 3, facts: { inputs: ["c"] } } as const;

    const now = { ...spec, inputs: ["a", "c", "d"], needed: 3 };
    const step = passGate(now, "", model.memory(), input, model.now);
    const fewer = { ...spec, inputs: ["a", "c"], needed: 2 };
    const fired = passGate(fewer, "", model.memory(), input, model.now);

    expect(step.actions).toEqual([{ type: "hold" }]);
    expect(JSON.stringify(step.value)).not.toContain('"b"');
    expect(fired.actions.map(({ type }) => type)).toEqual(["hold", "release"]);
  });
});

describe("baseline", () => {
  test("last_fire: after a fire every input must come anew", () => {
    const { come, released, model } = open({ inputs: ["a", "b"], needed: 2 });

    for (const input of ["a", "b", "b", "b", "a"]) come(input);

    expect(released().map(([refs]) => refs)).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    expect(model.gathering()).toEqual([]);
  });

  test("ever: after the first fire every further event fires at once, with what is new", () => {
    const { come, released } = open({ inputs: ["a", "b"], needed: 2, baseline: "ever" });

    for (const input of ["a", "b", "b", "a"]) come(input);

    expect(released()).toEqual([
      [[1, 2], "all inputs have come at least once: a, b"],
      [[3], "all inputs have come at least once: a, b"],
      [[4], "all inputs have come at least once: a, b"],
    ]);
  });

  test("ever: what came stays, also when its window ended at the deadline", () => {
    const { come, released, skipped, model } = open({
      inputs: ["a", "b"],
      needed: 2,
      baseline: "ever",
      withinMs: minute,
    });

    come("a");
    model.wait(2 * minute);
    come("b");

    expect(skipped().map(([refs]) => refs)).toEqual([[1]]);
    expect(released().map(([refs]) => refs)).toEqual([[2]]);
  });
});

describe("the deadline", () => {
  const pair = { inputs: ["a", "b"], needed: 2, withinMs: 60 * minute } as const;

  test("is counted from the first event since the last fire", () => {
    const { model, come, skipped } = open(pair);

    come("a");
    model.wait(59 * minute);
    come("a");
    expect(model.memory()?.wakeAt).toBe(modelStart + 60 * minute);
    model.wait(minute);

    expect(skipped()).toEqual([[[1, 2], "not complete 1 h after its first event; missing: b"]]);
    expect(model.memory()).toBeUndefined();
  });

  test("an event at the very deadline belongs to the next window", () => {
    const { model, come, skipped } = open(pair);

    come("a");
    model.jump(60 * minute);
    come("b");

    expect(skipped().map(([refs]) => refs)).toEqual([[1]]);
    expect(model.gathering()).toEqual([2]);
  });

  test("drop: what is gathered is skipped, and the reason names what is missing", () => {
    const { model, come, skipped } = open({ ...spec, withinMs: minute });

    come("customers");
    model.wait(minute);

    expect(skipped()).toEqual([
      [[1], "not complete 1 m after its first event; missing: orders, events"],
    ]);
    expect(model.announced).toEqual([]);
  });

  test("fire_partial: what is gathered is delivered, and it is told what is missing", () => {
    const { model, come } = open({ ...pair, onDeadline: "fire_partial" });

    come("a");
    come("a");
    model.wait(60 * minute);

    expect(model.released().map(({ refs, release }) => [refs, release])).toEqual([
      [
        [1, 2],
        {
          reason: "not complete 1 h after its first event; missing: b",
          missing: ["b"],
          inputs: { a: { count: 2, firstAt: modelStart, lastAt: modelStart } },
        },
      ],
    ]);
  });

  test("emit: what is gathered is skipped, and an event tells what is missing", () => {
    const { model, skipped } = open({ ...pair, onDeadline: "emit" });

    model.emit({ key: "2026-03-28", facts: { inputs: ["a"] } });
    model.wait(60 * minute);

    expect(skipped().map(([refs]) => refs)).toEqual([[1]]);
    expect(model.announced.map(({ event }) => event)).toEqual([
      {
        type: "pipehooks.join.incomplete",
        metadata: {
          hook: "build",
          key: "2026-03-28",
          missing: ["b"],
          came: ["a"],
          since: iso(0),
          deadline: iso(60 * minute),
        },
      },
    ]);
    expect(model.released()).toEqual([]);
  });

  test("passes once, however late somebody looks", () => {
    const { model, come, skipped } = open(pair);

    come("a");
    model.jump(600 * minute);
    model.look();
    model.look();

    expect(skipped().map(([refs]) => refs)).toEqual([[1]]);
  });
});

describe("late", () => {
  const pair = { inputs: ["a", "b", "c"], needed: 3, withinMs: 10 * minute } as const;

  test("next: what was missing belongs to the next window", () => {
    const { model, come } = open(pair);

    come("a");
    model.wait(10 * minute);
    come("b");

    expect(model.gathering()).toEqual([2]);
  });

  test("drop: the first late event of each missing input is skipped, the one after it counts", () => {
    const { model, come, skipped } = open({ ...pair, late: "drop" });

    come("a");
    model.wait(10 * minute);
    for (const input of ["a", "b", "c", "b"]) come(input);

    const ended = iso(10 * minute);
    expect(skipped().slice(1)).toEqual([
      [[3], `came late: b was missing when the window ended at ${ended}`],
      [[4], `came late: c was missing when the window ended at ${ended}`],
    ]);
    expect(model.gathering()).toEqual([2, 5]);
  });

  test("drop: today's first input does not pair with yesterday's late one", () => {
    const { model, come, released } = open({
      inputs: ["a", "b"],
      needed: 2,
      withinMs: 10 * minute,
      late: "drop",
    });

    come("a");
    model.wait(10 * minute);
    come("a");
    come("b");
    come("b");

    expect(released().map(([refs]) => refs)).toEqual([[2, 4]]);
  });

  test("drop: is remembered for the length of a window, then the key is forgotten", () => {
    const { model, come } = open({ ...pair, late: "drop" });

    come("a");
    model.wait(10 * minute);
    expect(model.memory()?.wakeAt).toBe(modelStart + 20 * minute);
    model.wait(10 * minute);
    expect(model.memory()).toBeUndefined();
    come("b");

    expect(model.gathering()).toEqual([2]);
  });

  test("drop: an event that is also of an input that was not missing counts for that one", () => {
    const { model, come, skipped } = open({ ...pair, late: "drop" });

    come("a");
    model.wait(10 * minute);
    come("a", "b");
    come("b");
    come("c");

    expect(skipped().map(([refs]) => refs)).toEqual([[1], [4]]);
    expect(model.gathering()).toEqual([2, 3]);
  });

  test("drop: is not remembered for longer when the clock is set back", () => {
    const { model, come } = open({ ...pair, late: "drop" });

    come("a");
    model.wait(19 * minute);
    model.jump(-60 * minute);
    model.look();

    expect(model.memory()?.wakeAt).toBe(model.now + 10 * minute);
  });

  test("drop: a late failure does not cancel the next window", () => {
    const { model, come, fail, skipped } = open({ ...pair, late: "drop", onFailedInput: "cancel" });

    come("a");
    model.wait(10 * minute);
    come("a");
    fail("b");

    expect(skipped().map(([refs]) => refs)).toEqual([[1], [3]]);
    expect(model.gathering()).toEqual([2]);
  });
});

describe("a failed input", () => {
  const pair = { inputs: ["a", "b"], needed: 2 } as const;

  test("wait: is gathered, and its input has not come", () => {
    const { come, fail, released, model } = open(pair);

    fail("a");
    come("b");
    expect(model.gathering()).toEqual([1, 2]);
    come("a");

    expect(released()).toEqual([[[1, 2, 3], "all inputs came: a, b"]]);
    expect(model.released()[0]?.release?.inputs?.a?.count).toBe(1);
  });

  test("wait: what came before its failure has come", () => {
    const { come, fail, released } = open(pair);

    come("a");
    fail("a");
    come("b");

    expect(released().map(([refs]) => refs)).toEqual([[1, 2, 3]]);
  });

  test("wait: the reason at the deadline tells that it failed", () => {
    const { model, fail, skipped } = open({ ...pair, withinMs: minute });

    fail("a");
    model.wait(minute);

    expect(skipped()).toEqual([
      [[1], "not complete 1 m after its first event; missing: a (failed), b"],
    ]);
  });

  test("wait: what came, before its failure or after it, is not missing at the deadline", () => {
    const { model, come, fail } = open({ withinMs: minute, onDeadline: "fire_partial" });

    come("orders");
    fail("orders");
    fail("customers");
    come("customers");
    model.wait(minute);

    expect(model.released()[0]?.release).toMatchObject({
      reason: "not complete 1 m after its first event; missing: events",
      missing: ["events"],
    });
  });

  test("cancel: it is skipped, what is gathered is dropped, and the join starts over", () => {
    const { model, come, fail, skipped, released } = open({ ...pair, onFailedInput: "cancel" });

    come("a");
    fail("b");
    expect(model.memory()).toBeUndefined();
    come("b");
    come("a");

    const reason = "input b failed; the join starts over";
    expect(skipped()).toEqual([
      [[1], reason],
      [[2], reason],
    ]);
    expect(released().map(([refs]) => refs)).toEqual([[3, 4]]);
  });

  test("cancel: with the baseline ever, what came before must come again", () => {
    const { come, fail, released } = open({ ...pair, baseline: "ever", onFailedInput: "cancel" });

    for (const input of ["a", "b"]) come(input);
    fail("a");
    come("b");
    come("a");

    expect(released().map(([refs]) => refs)).toEqual([
      [1, 2],
      [4, 5],
    ]);
  });

  test("fire: it fires at once, and tells what has not come", () => {
    const { model, come, fail } = open({ onFailedInput: "fire" });

    come("orders");
    fail("customers");

    expect(model.released().map(({ refs, release }) => [refs, release])).toEqual([
      [
        [1, 2],
        {
          reason: "input customers failed",
          missing: ["customers", "events"],
          inputs: { orders: { count: 1, firstAt: modelStart, lastAt: modelStart } },
        },
      ],
    ]);
    expect(model.memory()).toBeUndefined();
  });
});

/** Keeps every event, and works out from those since the last fire what has come. */
function createList(join: JoinSpec): ListModel {
  const released: ListRelease[] = [];
  const skipped: number[] = [];
  let gathered: { ref: number; facts: GateFacts }[] = [];
  let before: { ref: number; facts: GateFacts }[] = [];
  let openedAt: number | undefined;
  let ended: { at: number; missing: string[] } | undefined;

  const inputsOf = ({ inputs = [] }: GateFacts) => inputs.filter((n) => join.inputs.includes(n));
  const has = (events: typeof gathered, name: string) =>
    events.some(({ facts }) => facts.failed !== true && facts.inputs?.includes(name));
  const come = (name: string) =>
    has(gathered, name) || (join.baseline === "ever" && has(before, name));
  const close = () => {
    before = [...before, ...gathered];
    gathered = [];
    openedAt = undefined;
  };
  /** What is over is over, also for a clock that goes back. */
  const endedUntil = () => (ended === undefined ? undefined : ended.at + (join.withinMs ?? 0));
  const forgetEnded = (now: number) => {
    if ((endedUntil() ?? Infinity) <= now) ended = undefined;
  };
  const deadline = () =>
    openedAt === undefined || join.withinMs === undefined ? undefined : openedAt + join.withinMs;

  return {
    released,
    skipped,
    dueAt() {
      const times = [deadline(), endedUntil()].filter((time) => time !== undefined);
      return times.length === 0 ? undefined : Math.min(...times);
    },
    timeCame(now) {
      forgetEnded(now);
      if ((deadline() ?? Infinity) > now) return;
      const refs = gathered.map(({ ref }) => ref);
      const failedOnly = (name: string) =>
        !has(gathered, name) && gathered.some(({ facts }) => facts.inputs?.includes(name));
      const missing = join.inputs.filter((name) => failedOnly(name) || !come(name));
      if (join.late === "drop") ended = { at: deadline() ?? 0, missing };
      forgetEnded(now);
      if (join.onDeadline === "fire_partial") released.push({ refs, at: now });
      else skipped.push(...refs);
      close();
    },
    event(ref, facts, now) {
      let names = inputsOf(facts);
      forgetEnded(now);
      if (ended !== undefined) {
        const late = ended.missing;
        ended.missing = late.filter((name) => !names.includes(name));
        names = names.filter((name) => !late.includes(name));
      }
      if (names.length === 0) return void skipped.push(ref);
      if (facts.failed === true && join.onFailedInput === "cancel") {
        skipped.push(...gathered.map((each) => each.ref), ref);
        gathered = [];
        before = [];
        openedAt = undefined;
        return;
      }
      openedAt ??= now;
      gathered.push({ ref, facts: { ...facts, inputs: names } });
      const fires =
        facts.failed === true
          ? join.onFailedInput === "fire"
          : join.inputs.filter(come).length >= join.needed;
      if (!fires) return;
      released.push({ refs: gathered.map((each) => each.ref), at: now });
      close();
    },
    lower(now) {
      if (openedAt !== undefined) openedAt = Math.min(openedAt, now);
      if (ended !== undefined) ended.at = Math.min(ended.at, now);
    },
  };
}

describe("whatever comes in whatever order, with clock jumps and restarts", () => {
  const facts = fc.record({
    inputs: fc.subarray(["a", "b", "c", "z"], { maxLength: 2 }),
    failed: fc.boolean().map((failed) => failed && undefined),
  });
  const failing = fc.record({
    inputs: fc.subarray(["a", "b", "c"], { minLength: 1, maxLength: 2 }),
    failed: fc.constant(true),
  });
  const specs = fc.record({
    needed: fc.integer({ min: 1, max: 3 }),
    withinMs: fc.constantFrom(undefined, 10_000),
    baseline: fc.constantFrom("last_fire" as const, "ever" as const),
    onFailedInput: fc.constantFrom("wait" as const, "cancel" as const, "fire" as const),
    onDeadline: fc.constantFrom("drop" as const, "fire_partial" as const, "emit" as const),
    late: fc.constantFrom("next" as const, "drop" as const),
  });
  const anyFacts = fc.oneof({ weight: 5, arbitrary: facts }, { weight: 1, arbitrary: failing });

  test("a join does what a list of all events says", () => {
    fc.assert(
      fc.property(specs, scripts(anyFacts, 10_000), (changes, script) => {
        const join = { ...spec, inputs: ["a", "b", "c"], ...changes };
        compareWithLists(join, script, () => createList(join));
      }),
      { numRuns: 400 },
    );
  });
});
