import { createRedactor, type Delivery, type HookFactory, type JsonObject } from "@pipehooks/core";
import { createTestDelivery, createTestEvent, type OpenedHook, openHook } from "@pipehooks/testing";

/** A failure with everything that a failure can have. */
export const failure = createTestEvent({
  type: "pipeline.error",
  metadata: { duration: 12.5, url: "https://runs.example.com/7?a=1&b=2" },
  error: {
    message: "no such table: raw_orders",
    class: "AnalysisException",
    severity: "CRITICAL",
    stack: "AnalysisException: no such table\n    at load (orders.py:12)",
  },
});

/** A delivery of an `alert` gate. */
export function incident(
  state: "opened" | "reminder" | "resolved",
  fields: Partial<Delivery> = {},
): Partial<Delivery> {
  const success = createTestEvent({ id: "e2" });
  return {
    events: state === "resolved" ? [failure, success] : [failure],
    key: "orders",
    gate: { reason: "x", restIds: [] },
    alert: { state, count: 2, key: "orders", incident: "i1", since: "2026-01-15T04:30:00.000Z" },
    idempotencyKey: `ph_${state}`,
    ...fields,
  };
}

/** Opens a hook, delivers once, and answers what it logged. */
export async function deliverOnce<Input>(
  factory: HookFactory<Input>,
  options: Input,
  fields: Partial<Delivery> = {},
): Promise<readonly string[]> {
  await using opened = await openHook(factory, options);
  await deliver(opened, fields);
  return opened.logs.map(({ level, message }) => `${level}: ${message}`);
}

export async function deliver(opened: OpenedHook, fields: Partial<Delivery> = {}) {
  return opened.hook.deliver(deliveryOf(fields));
}

/** Of the failure, where nothing else is said. */
function deliveryOf(fields: Partial<Delivery>) {
  return createTestDelivery({ ...(fields.events === undefined && { event: failure }), ...fields });
}

/** What a delivery throws. */
export async function failureOf(opened: OpenedHook, fields: Partial<Delivery> = {}) {
  try {
    await deliver(opened, fields);
  } catch (error) {
    return error;
  }
  throw new Error("it ended well");
}

/** Body of what would be sent. */
export async function rendered<Input>(
  factory: HookFactory<Input>,
  options: Input,
  fields: Partial<Delivery> = {},
): Promise<JsonObject> {
  await using opened = await openHook(factory, options);
  const sent = await opened.hook.render?.(deliveryOf(fields));
  return sent?.body as JsonObject;
}

/** Whether a text holds a secret in any form. */
export function tells(text: string, ...secrets: readonly string[]): boolean {
  return createRedactor(secrets)(text) !== text;
}
