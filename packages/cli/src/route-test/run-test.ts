import type { LoadedConfig } from "@pipehooks/config";
import { messageOf, parseDuration } from "@pipehooks/core";
import { parseEventText } from "../event-text.ts";
import { checkExpectation, checkNothing } from "./expect.ts";
import { StepFailure } from "./failure.ts";
import { isSubset, show } from "./match.ts";
import { openScene, type Scene } from "./scene.ts";
import type { Step, TestInput } from "./schema.ts";
import { inOrder } from "./steps.ts";

/** Why a test failed, and at which of its steps. */
export interface TestFailure {
  readonly failure: StepFailure;
  readonly step: number;
  /** What core logged until then. */
  readonly log: readonly string[];
  /** Takes the configuration's secrets out of a text. */
  readonly redact: (text: string) => string;
}

const defaultStart = "2026-01-01T00:00:00Z";

/** Runs the steps of a test one after the other, up to the first that fails. `end` sees the bus before it is closed. */
export async function runTest(
  test: TestInput,
  parts: {
    readonly loaded: LoadedConfig;
    readonly seed: number;
    readonly opened: (scene: Scene) => void;
    readonly end: (scene: Scene) => Promise<void>;
  },
): Promise<TestFailure | undefined> {
  const scene = await openScene({
    loaded: parts.loaded,
    seed: parts.seed,
    start: Date.parse(test.start ?? defaultStart),
    heard: test.steps.flatMap(({ expectEvent }) => expectEvent?.type ?? []),
  });
  parts.opened(scene);
  try {
    for (const { step, index } of inOrder(test.steps)) {
      const failure = await runStep(scene, step);
      if (failure !== undefined) {
        return { failure, step: index, log: [...scene.log], redact: scene.bus.redact };
      }
    }
    return undefined;
  } finally {
    await parts.end(scene);
    await scene[Symbol.asyncDispose]();
  }
}

async function runStep(scene: Scene, step: Step): Promise<StepFailure | undefined> {
  try {
    await doStep(scene, step);
    return undefined;
  } catch (error) {
    return error instanceof StepFailure ? error : new StepFailure(messageOf(error));
  }
}

async function doStep(scene: Scene, step: Step): Promise<void> {
  const { emit, wait, until, answer, expect, expectNothing, expectEvent } = step;
  if (emit !== undefined) {
    const { type, ...fields } = parseEventText(JSON.stringify(emit));
    await scene.emit(type, fields);
  }
  if (wait !== undefined) await scene.advance(parseDuration(wait));
  if (until !== undefined) await passUntil(scene, until);
  if (answer !== undefined) scene.answer(answer.hook, answer.with);
  if (expect !== undefined) await checkExpectation(scene, expect);
  if (expectNothing !== undefined) await checkNothing(scene, hooksIn(scene, expectNothing));
  if (expectEvent !== undefined) checkEvent(scene, expectEvent);
}

async function passUntil(scene: Scene, until: string): Promise<void> {
  const ms = Date.parse(until) - scene.now();
  if (ms < 0) {
    throw new StepFailure(
      `until ${until}: it is ${new Date(scene.now()).toISOString()} already, and time does not go back`,
    );
  }
  await scene.advance(ms);
}

function hooksIn(scene: Scene, named: NonNullable<Step["expectNothing"]>): readonly string[] {
  if (named === "all") return scene.bus.hooks.map(({ name }) => name);
  return "hook" in named ? [named.hook] : named.hooks;
}

function checkEvent(
  scene: Scene,
  { type, count, metadata = {} }: NonNullable<Step["expectEvent"]>,
): void {
  const heard = scene.takeEvents(type);
  const fitting = heard.filter((event) => isSubset(metadata, event.metadata));
  if (count === undefined ? fitting.length > 0 : fitting.length === count) return;
  const what = Object.keys(metadata).length === 0 ? "events" : "events with such metadata";
  throw new StepFailure(`no such events of type "${type}" as expected`, {
    differences: [
      {
        what,
        expected: count === undefined ? "at least 1" : String(count),
        actual: fitting.length === 0 ? "none" : String(fitting.length),
      },
    ],
    notes: heard.map((event) => `${event.type}: ${show(event.metadata)}`),
  });
}
