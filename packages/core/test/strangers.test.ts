import { createPipehooks, type HookConfig, type PipehooksOptions } from "@pipehooks/core";
import { expect, test } from "vitest";
import { openBus } from "./virtual-bus.ts";

const hookWith = (more: Partial<HookConfig>): HookConfig => ({
  name: "ops",
  events: "*",
  hook: () => {},
  ...more,
});

test.for<[Partial<HookConfig>, Omit<PipehooksOptions, "hooks">, string]>([
  [
    { events: "pipline.error" },
    {},
    'no event type is called "pipline.error". Did you mean "pipeline.error"?',
  ],
  [
    { events: ["*", "data.checked"] },
    {},
    'no event type is called "data.checked". Give it to "events" of the bus',
  ],
  [{ events: "pipehooks.delivery.died" }, {}, 'no event type is called "pipehooks.delivery.died"'],
  [
    { orderBy: "run_id" },
    {},
    'an event has no field "run_id", which "orderBy" names. Did you mean "runId"?',
  ],
  [
    { destination: "chta" },
    { destinations: { chat: {} } },
    'there is no "chta" among "destinations". Did you mean "chat"?',
  ],
])("%o is taken with a warning", ([more, options, warning]) => {
  const { log } = openBus({ ...options, hooks: [hookWith(more)] });

  expect(log).toHaveLength(1);
  expect(log[0]).toContain(`warn: Hook "ops": ${warning}`);
});

test.for<[Partial<HookConfig>, Omit<PipehooksOptions, "hooks">]>([
  [{ events: ["pipeline.*", "!pipeline.ended", "x{a,b}", "pipehooks.gate.full"] }, {}],
  [{ events: "data.checked" }, { allowUnknownTypes: true }],
  [{ orderBy: "metadata.customer", destination: "api" }, {}],
  [{ destination: "chat" }, { destinations: { chat: {} } }],
])("%o is taken without a word", ([more, options]) => {
  expect(openBus({ ...options, hooks: [hookWith(more)] }).log).toEqual([]);
});

test.for<[options: object, problem: string]>([
  [{ hook: [] }, 'Unrecognized key: "hook". Did you mean "hooks"?'],
  [
    { allow_unknown_types: true },
    'Unrecognized key: "allow_unknown_types". Did you mean "allowUnknownTypes"?',
  ],
  [
    { hooks: [hookWith({ orderby: "id" } as object)] },
    'hook "ops": Unrecognized key: "orderby". Did you mean "orderBy"?',
  ],
])("%o is refused", ([options, problem]) => {
  expect(() => createPipehooks(options)).toThrow(problem);
});
