import type { JsonObject } from "@pipehooks/core";
import type { Message } from "@pipehooks/core/messages";
import { errorText, linesOf } from "./lines.ts";
import { type Cuts, fit } from "./text.ts";

const mostStack = 20_000;

/** What a message says, as names and values, for products that show a table. */
export function toDetails(message: Message, cuts: Cuts): JsonObject {
  const { summary, facts, error, moreRows, footer } = message;
  const lines = linesOf(message);
  const stack = error?.stack && fit(error.stack, { most: mostStack, what: "stack", cuts });
  return {
    ...(summary !== undefined && { Summary: summary }),
    ...Object.fromEntries(facts.map(({ name, value }) => [name, value])),
    ...(error?.title !== undefined && { Class: error.title }),
    ...(error !== undefined && { Error: errorText(error) }),
    ...(lines.length > 0 && { Events: lines.join("\n") }),
    ...(lines.length > 0 && moreRows > 0 && { "More events": String(moreRows) }),
    ...(stack !== undefined && { Stack: stack }),
    Event: footer,
  };
}
