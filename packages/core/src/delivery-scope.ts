import type { PipehooksEvent } from "./event.ts";
import type { Delivery } from "./hook.ts";
import type { JsonObject } from "./json.ts";
import type { TemplateScope } from "./template.ts";

/**
 * What templates of a hook read: the fields of the event (the last one, where a gate let several through), and
 * `events`, `count`, `first`, `last`, `key`, `alert`, `gate` and `group_summary`.
 */
export function toTemplateScope(delivery: Delivery): TemplateScope {
  const { event, events, count, key, alert, gate } = delivery;
  const scope = {
    ...event,
    events,
    count,
    first: events[0] ?? event,
    last: event,
    key,
    ...(alert !== undefined && { alert }),
    ...(gate !== undefined && { gate }),
    // Counted when a template asks for it.
    get group_summary() {
      return summarize(events);
    },
  };
  // What it is made of is JSON, or becomes so by its getter.
  return scope as unknown as TemplateScope;
}

/** How often each type, pipeline and severity is among some events. */
export function summarize(events: readonly PipehooksEvent[]): {
  readonly types: JsonObject;
  readonly pipelines: JsonObject;
  readonly severities: JsonObject;
} {
  return {
    types: countBy(events, ({ type }) => type),
    pipelines: countBy(events, ({ pipeline }) => pipeline),
    severities: countBy(events, ({ error }) => error && (error.severity ?? "ERROR")),
  };
}

function countBy(
  events: readonly PipehooksEvent[],
  nameOf: (event: PipehooksEvent) => string | undefined,
): JsonObject {
  const counts = new Map<string, number>();
  for (const event of events) {
    const name = nameOf(event);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
