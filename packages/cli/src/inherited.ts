import { type EventFields, isTraceparent, type JsonObject } from "@pipehooks/core";

/** What an event has from the command that `pipehooks run` wraps, where it says nothing else. */
export function inheritedFields(): Pick<
  EventFields<JsonObject>,
  "pipeline" | "runId" | "traceparent"
> {
  const { PIPEHOOKS_PIPELINE, PIPEHOOKS_RUN_ID, TRACEPARENT } = process.env;
  return {
    pipeline: PIPEHOOKS_PIPELINE || undefined,
    runId: PIPEHOOKS_RUN_ID || undefined,
    // A foreign tool's mistake in the environment must not cost the event.
    traceparent: isTraceparent(TRACEPARENT) ? TRACEPARENT : undefined,
  };
}
