import type { JsonObject } from "@pipehooks/core";
import type { Message, MessageFact } from "@pipehooks/core/messages";
import { errorText, linesOf } from "./lines.ts";
import { type Cuts, fit } from "./text.ts";

const mostStack = 20_000;

/** What a message says, as names and values, for products that show a table. */
export function toDetails(message: Message, cuts: Cuts): JsonObject {
  const { summary, facts, error, footer } = message;
  const stack = error?.stack && fit(error.stack, { most: mostStack, what: "stack", cuts });
  const before = there({ Summary: summary });
  const behind = there({
    Class: error?.title,
    Error: error && errorText(error),
    Events: linesOf(message).join("\n") || undefined,
    "More events": moreOf(message),
    Stack: stack,
    Event: footer,
  });
  return tabulate(before, facts, behind);
}

/** The same without what is long, for products that have a text beside the table. */
export function toShortDetails(message: Message): JsonObject {
  const { facts, error, footer } = message;
  const more = moreOf(message);
  return tabulate({}, facts, there({ Class: error?.title, "More events": more, Event: footer }));
}

function moreOf(message: Message): string | undefined {
  const { moreRows } = message;
  return linesOf(message).length > 0 && moreRows > 0 ? String(moreRows) : undefined;
}

function there(values: Readonly<Record<string, string | undefined>>): JsonObject {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as JsonObject;
}

/** One table of all. Facts may be called anything: where a name is taken, a number is put behind theirs. */
function tabulate(
  before: JsonObject,
  facts: readonly MessageFact[],
  behind: JsonObject,
): JsonObject {
  const taken = new Set([...Object.keys(before), ...Object.keys(behind)]);
  const named = facts.map(({ name, value }) => {
    const free = freeName(name, taken);
    taken.add(free);
    return [free, value] as const;
  });
  return { ...before, ...Object.fromEntries(named), ...behind };
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name} (${number})`;
  return free;
}
