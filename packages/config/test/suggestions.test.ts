import { expect, test } from "vitest";
import { problemsOf, withGate, withHook } from "./workspace.ts";

const declared = `event_types:
  order.paid:
    metadata:
      type: object
      properties:
        order: { type: object, properties: { id: {} }, additionalProperties: false }
      additionalProperties: false
`;
const paid = "events: [order.paid]";

test.for([
  ["a rate among several", withHook("rate_limit: 20/1m, 60/1h"), '["20/1m", "60/1h"]'],
  ["a glob with a comma of its own", `plugins: "./{a,b}.ts, ./c.ts"`, '["./{a,b}.ts", "./c.ts"]'],
  ["a step behind a wrong name", withHook("", "line: '${metadta.x}'"), "${metadata.x}"],
  ["two wrong steps", withHook("", "line: '${eror.mesage}'"), "${error.message}"],
  ["a step that nothing has", withHook("", "line: '${coount.x}'"), "${count}"],
  ["a step of one of several", withHook("", "line: '${first.metadta.x}'"), "${first.metadata.x}"],
  ["a step of an order", withHook("order_by: metadta.x"), "metadata.x"],
  ["a step of a gate", withGate("debounce: { by: metadta.x, wait: 1s }"), "metadata.x"],
  [
    "a step of declared metadata",
    `${declared}${withHook(paid, "line: '${metadata.oder.id}'")}`,
    "${metadata.order.id}",
  ],
  [
    "a step of declared metadata that is wrong, too",
    `${declared}${withHook(paid, "line: '${metadata.oder.date}'")}`,
    "${metadata.order}",
  ],
  [
    "a step that only its parent has",
    `${declared}${withHook(paid, "line: '${metadata.order.date}'")}`,
    "${metadata.order}",
  ],
] as const)("what is suggested is right itself: %s", async ([, text, suggestion]) => {
  const [problem] = await problemsOf(text);

  expect(problem?.suggestion).toBe(suggestion);
});
