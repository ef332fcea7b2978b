import { AsyncLocalStorage } from "node:async_hooks";
import type { EventContext, EventRules } from "./create-event.ts";
import { messageOf } from "./errors.ts";
import type { EventFields } from "./event.ts";
import { describe, isTraceparent } from "./event-checks.ts";
import { toEventError } from "./event-error.ts";
import type { CarriedMetadata } from "./event-metadata.ts";
import { createId } from "./id.ts";
import type { JsonObject } from "./json.ts";
import type { Logger } from "./logger.ts";
import { mendFields, type Told } from "./mend-event.ts";

/** What is open while instrumented code runs. */
export interface StepScope {
  readonly name: string;
  readonly runId: string;
  /** Adds to the metadata of the step's `end` (or `error`) event. */
  add<Metadata extends object>(metadata: CarriedMetadata<Metadata>): void;
  /** Counts rows: added up over calls, and over the steps inside. What is no count is left out and logged. */
  rows(count: number): void;
}

export interface ActionScope extends StepScope {
  /** Emits `table.created`. */
  table<Metadata extends object = JsonObject>(
    name: string,
    metadata?: CarriedMetadata<Metadata>,
  ): void;
}

export interface FlowgroupScope extends StepScope {
  action<Result>(
    name: string,
    run: (action: ActionScope) => Result | Promise<Result>,
  ): Promise<Result>;
}

export interface PipelineScope extends FlowgroupScope {
  flowgroup<Result>(
    name: string,
    run: (flowgroup: FlowgroupScope) => Result | Promise<Result>,
  ): Promise<Result>;
}

export interface PipelineRunOptions<Metadata = JsonObject> {
  /** An empty one counts as none, which is logged. @default a new UUID version 7 */
  readonly runId?: string | undefined;
  /**
   * W3C Trace Context; one that is none is left out and logged.
   * @default that of the pipeline around this one, or else the environment's TRACEPARENT
   */
  readonly traceparent?: string | undefined;
  /** Metadata of `pipeline.start`. */
  readonly metadata?: CarriedMetadata<Metadata> | undefined;
}

type Emit = (type: string, fields: EventFields<object>) => Promise<unknown>;
type Tell = (type: string, fields: EventFields<object>) => void;
type Level = "pipeline" | "flowgroup" | "action";

/** Runs code between start and end (or error) events; see `Pipehooks.pipeline`. */
export interface Instrument {
  /** What a plain `emit` inherits where it stands. */
  context(): EventContext | undefined;
  /** Calls back where a plain `emit` inherits that. */
  within(context: EventContext | undefined, callback: () => void): void;
  pipeline<Result, Metadata extends object = JsonObject>(
    name: string,
    run: (pipeline: PipelineScope) => Result | Promise<Result>,
    options?: PipelineRunOptions<Metadata>,
  ): Promise<Result>;
}

/** In characters. */
const longestName = 1000;
const nameAdvice = `Give a text of 1 to ${longestName} characters.`;

export function createInstrument(parts: {
  /** Throws at once what it refuses. */
  readonly accept: Emit;
  /** By which it refuses. */
  readonly rules: EventRules;
  readonly now: () => number;
  readonly elapsed?: () => number;
  readonly logger: Logger;
}): Instrument {
  const { accept, rules, now, logger } = parts;
  const elapsed = parts.elapsed ?? (() => performance.now());
  const storage = new AsyncLocalStorage<EventContext | undefined>();

  /** What is refused goes without what is bad: that a run has ended, or failed, must not be lost for a detail. */
  const emit: Emit = (type, fields) => {
    try {
      return accept(type, fields);
    } catch (refusal) {
      return emitMended({ type, fields, context: storage.getStore() }, refusal);
    }
  };

  const emitMended = async (told: Told, refusal: unknown): Promise<void> => {
    const mended = mendFields(told, refusal, rules);
    if (mended === undefined) {
      logger.error(messageOf(refusal));
      return;
    }
    const place = placeOf(told.context);
    logger.warn(`${told.type} of ${place} goes without ${mended.without}. ${messageOf(refusal)}`);
    await emit(told.type, mended.fields);
  };

  /** A name that events can carry; another one would cost all of them. */
  const nameOf = (what: Level | "table", given: string): string | undefined => {
    if (isName(given)) return given;
    logger.warn(`The ${what} name ${describe(given)} is left out of its events. ${nameAdvice}`);
    return undefined;
  };

  const runIdOf = (pipeline: string, given: string | undefined): string => {
    if (isName(given)) return given;
    if (given !== undefined) {
      const what = `The runId ${describe(given)} of pipeline ${describe(pipeline)}`;
      logger.warn(`${what} counts as none, and the run gets another one. ${nameAdvice}`);
    }
    return createId(now());
  };

  const traceparentOf = (pipeline: string, given: string | undefined): string | undefined => {
    const outer = storage.getStore()?.traceparent;
    const traceparent = given ?? outer ?? (process.env.TRACEPARENT || undefined);
    if (traceparent === undefined || isTraceparent(traceparent)) return traceparent;
    logger.warn(`Pipeline "${pipeline}" has a traceparent that is none; its events go without.`);
    return undefined;
  };

  /** Emitting never breaks or holds up the code: what fails is logged there. */
  const createTeller = () => {
    const told = new Set<Promise<unknown>>();
    const tell: Tell = (type, fields) => {
      const done = emit(type, fields).then(
        () => undefined,
        () => undefined,
      );
      told.add(done);
      void done.then(() => told.delete(done));
    };
    return { tell, settled: () => Promise.all(told) };
  };

  const runStep = async <Scope, Result>(step: {
    readonly level: Level;
    readonly name: string;
    readonly context: EventContext;
    readonly tell: Tell;
    readonly metadata?: object | undefined;
    readonly outer?: StepScope | undefined;
    readonly scope: (step: StepScope) => Scope;
    readonly run: (scope: Scope) => Result | Promise<Result>;
  }): Promise<Result> => {
    const { level, name, context, tell } = step;
    const extra: object = {};
    let rows: number | undefined;
    const scope: StepScope = {
      name,
      runId: context.runId ?? "",
      add(metadata) {
        try {
          Object.assign(extra, metadata);
        } catch (error) {
          const place = placeOf(context);
          logger.warn(`What ${place} adds to its end cannot be read: ${messageOf(error)}`);
        }
      },
      rows(count) {
        if (!Number.isSafeInteger(count) || count < 0) {
          logger.warn(`The ${level} "${name}" counts ${String(count)} rows, which is no count.`);
          return;
        }
        rows = (rows ?? 0) + count;
        step.outer?.rows(count);
      },
    };
    const startedAt = elapsed();
    const metadata = () => ({
      duration: Math.round(elapsed() - startedAt) / 1000,
      ...(rows !== undefined && { rows }),
      ...extra,
    });
    return storage.run(context, async () => {
      tell(`${level}.start`, { metadata: step.metadata ?? {} });
      try {
        const result = await step.run(step.scope(scope));
        tell(`${level}.end`, { metadata: metadata() });
        return result;
      } catch (error) {
        tell(`${level}.error`, { metadata: metadata(), error: toEventError(error) });
        throw error;
      }
    });
  };

  return {
    context: () => storage.getStore(),
    within(context, callback) {
      if (context === storage.getStore()) callback();
      else storage.run(context, callback);
    },
    async pipeline(name, run, options = {}) {
      const { tell, settled } = createTeller();
      const context: EventContext = {
        pipeline: nameOf("pipeline", name),
        runId: runIdOf(name, options.runId),
        traceparent: traceparentOf(name, options.traceparent),
      };
      const actionOf =
        (outer: StepScope, above: EventContext): FlowgroupScope["action"] =>
        (action, runAction) => {
          const inner: EventContext = { ...above, action: nameOf("action", action) };
          return runStep({
            level: "action",
            name: action,
            context: inner,
            tell,
            outer,
            run: runAction,
            scope: (step): ActionScope => ({
              ...step,
              // Also where the code has lost its asynchronous context.
              table: (table, metadata) =>
                storage.run(inner, () =>
                  tell("table.created", { table: nameOf("table", table), metadata }),
                ),
            }),
          });
        };
      try {
        return await runStep({
          level: "pipeline",
          name,
          context,
          tell,
          metadata: options.metadata,
          run,
          scope: (pipeline): PipelineScope => ({
            ...pipeline,
            action: actionOf(pipeline, context),
            flowgroup: (flowgroup, runFlowgroup) => {
              const inner: EventContext = {
                ...context,
                flowgroup: nameOf("flowgroup", flowgroup),
              };
              return runStep({
                level: "flowgroup",
                name: flowgroup,
                context: inner,
                tell,
                outer: pipeline,
                run: runFlowgroup,
                scope: (step): FlowgroupScope => ({ ...step, action: actionOf(step, inner) }),
              });
            },
          }),
        });
      } finally {
        // The run's events are accepted before the caller goes on; the store bounds how long that takes.
        await settled();
      }
    },
  };
}

function isName(given: unknown): given is string {
  return typeof given === "string" && given !== "" && given.length <= longestName;
}

/** `action "load" of flowgroup "ingest" of pipeline "orders"`, for messages. */
function placeOf({ pipeline, flowgroup, action }: EventContext = {}): string {
  const names = Object.entries({ action, flowgroup, pipeline })
    .filter(([, name]) => name !== undefined)
    .map(([level, name]) => `${level} "${name}"`);
  return names.join(" of ") || "a pipeline without a name";
}
