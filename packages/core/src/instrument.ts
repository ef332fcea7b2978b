import { AsyncLocalStorage } from "node:async_hooks";
import type { EventContext } from "./create-event.ts";
import type { EventFields } from "./event.ts";
import { isTraceparent } from "./event-checks.ts";
import { toEventError } from "./event-error.ts";
import { createId } from "./id.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { Logger } from "./logger.ts";

/** What is open while instrumented code runs. */
export interface StepScope {
  readonly name: string;
  readonly runId: string;
  /** Adds to the metadata of the step's `end` (or `error`) event. */
  add(metadata: Readonly<Record<string, JsonValue>>): void;
  /** Counts rows: added up over calls, and over the steps inside. What is no count is left out and logged. */
  rows(count: number): void;
}

export interface ActionScope extends StepScope {
  /** Emits `table.created`. */
  table(name: string, metadata?: Readonly<Record<string, JsonValue>>): void;
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

export interface PipelineRunOptions {
  /** @default a new UUID version 7 */
  readonly runId?: string | undefined;
  /** W3C Trace Context; one that is none is left out and logged. @default the environment's TRACEPARENT */
  readonly traceparent?: string | undefined;
  /** Metadata of `pipeline.start`. */
  readonly metadata?: Readonly<Record<string, JsonValue>> | undefined;
}

type Emit = (type: string, fields: EventFields<JsonObject>) => Promise<unknown>;
type Level = "pipeline" | "flowgroup" | "action";

/** Runs code between start and end (or error) events; see `Pipehooks.pipeline`. */
export interface Instrument {
  /** What a plain `emit` inherits where it stands. */
  context(): EventContext | undefined;
  /** Calls back where a plain `emit` inherits that. */
  within(context: EventContext | undefined, callback: () => void): void;
  pipeline<Result>(
    name: string,
    run: (pipeline: PipelineScope) => Result | Promise<Result>,
    options?: PipelineRunOptions,
  ): Promise<Result>;
}

export function createInstrument(parts: {
  readonly emit: Emit;
  readonly now: () => number;
  readonly elapsed?: () => number;
  readonly logger: Logger;
}): Instrument {
  const { now, logger } = parts;
  const elapsed = parts.elapsed ?? (() => performance.now());
  const storage = new AsyncLocalStorage<EventContext | undefined>();

  /** Emitting never breaks or holds up the code: what is refused is logged there. */
  const createTeller = () => {
    const told = new Set<Promise<unknown>>();
    const tell = (type: string, fields: EventFields<JsonObject>): void => {
      const done = parts.emit(type, fields).then(
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
    readonly tell: (type: string, fields: EventFields<JsonObject>) => void;
    readonly metadata?: JsonObject | undefined;
    readonly outer?: StepScope | undefined;
    readonly scope: (step: StepScope) => Scope;
    readonly run: (scope: Scope) => Result | Promise<Result>;
  }): Promise<Result> => {
    const { level, name, context, tell } = step;
    const extra: Record<string, JsonValue> = {};
    let rows: number | undefined;
    const scope: StepScope = {
      name,
      runId: context.runId ?? "",
      add: (metadata) => void Object.assign(extra, metadata),
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
    const metadata = (): JsonObject => ({
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
      const traceparent = options.traceparent ?? (process.env.TRACEPARENT || undefined);
      if (traceparent !== undefined && !isTraceparent(traceparent)) {
        logger.warn(`Pipeline "${name}" has a traceparent that is none; its events go without.`);
      }
      const context: EventContext = {
        pipeline: name,
        runId: options.runId ?? createId(now()),
        ...(isTraceparent(traceparent) && { traceparent }),
      };
      const actionOf =
        (outer: StepScope, above: EventContext): FlowgroupScope["action"] =>
        (action, runAction) =>
          runStep({
            level: "action",
            name: action,
            context: { ...above, action },
            tell,
            outer,
            run: runAction,
            scope: (step): ActionScope => ({
              ...step,
              // Also where the code has lost its asynchronous context.
              table: (table, metadata = {}) =>
                storage.run({ ...above, action }, () => tell("table.created", { table, metadata })),
            }),
          });
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
              const inner: EventContext = { ...context, flowgroup };
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
