import type { JsonObject, JsonValue } from "@pipehooks/core";
import { formatCount } from "@pipehooks/core/messages";
import { isObject } from "../templates.ts";
import { type Cuts, fit } from "../text.ts";
import { fitMrkdwn } from "./mrkdwn.ts";

// docs.slack.dev, Block Kit reference; the sum over all blocks is documented nowhere, and known from refusals.
const mostBlocks = 50;
const mostInAll = 9_000;
export const mostText = 40_000;
export const mostHeader = 150;
export const mostSection = 3_000;
const mostField = 2_000;
export const mostFields = 10;
const mostElements = 10;
const mostBlockId = 255;

/** Blocks that Slack takes: texts cut, and what is too much left out from the end; the first one stays. */
export function fitBlocks(blocks: readonly JsonObject[], cuts: Cuts): readonly JsonObject[] {
  const ids = new Set<JsonValue>();
  const fitting = blocks.slice(0, mostBlocks).map((block, index) => {
    const fitted = fitBlock(block, `block ${index + 1}`, cuts);
    const { block_id: id, ...rest } = fitted;
    if (id === undefined) return fitted;
    // Slack takes neither long ids nor the same one twice; it makes one where there is none.
    if (typeof id !== "string" || id.length > mostBlockId || ids.has(id)) return rest;
    ids.add(id);
    return fitted;
  });
  while (fitting.length > 1 && lengthOf(fitting) >= mostInAll) fitting.pop();
  const left = blocks.length - fitting.length;
  if (left === 0) return fitting;
  cuts.push(
    `${left} of ${blocks.length} blocks (at most ${mostBlocks}, and ${formatCount(mostInAll)} characters in all)`,
  );
  const more = {
    type: "context",
    elements: [{ type: "mrkdwn", text: `… ${left} more left out` }],
  };
  return [...fitting.slice(0, mostBlocks - 1), more];
}

/** Characters of all texts in it. */
export function lengthOf(value: JsonValue): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + lengthOf(item as JsonValue), 0);
}

function fitBlock(block: JsonObject, what: string, cuts: Cuts): JsonObject {
  const { type, text, fields, elements } = block;
  const fitText = (value: JsonValue, most: number): JsonValue => {
    if (!isObject(value) || typeof value.text !== "string") return value;
    const cut = value.type === "mrkdwn" ? fitMrkdwn : fit;
    return { ...value, text: cut(value.text, { most, what, cuts }) };
  };
  const fitList = (
    list: readonly JsonValue[],
    most: number,
    name: string,
  ): readonly JsonValue[] => {
    if (list.length > most) cuts.push(`${name} of ${what} from ${list.length} to ${most}`);
    return list.slice(0, most);
  };
  return {
    ...block,
    ...(text !== undefined && {
      text: fitText(text, type === "header" ? mostHeader : mostSection),
    }),
    ...(Array.isArray(fields) && {
      fields: fitList(fields, mostFields, "fields").map((field) => fitText(field, mostField)),
    }),
    ...(type === "context" &&
      Array.isArray(elements) && {
        elements: fitList(elements, mostElements, "elements").map((element) =>
          fitText(element, mostSection),
        ),
      }),
  };
}
