import type { JsonObject } from "@pipehooks/core";
import { formatCount, type MessageError } from "@pipehooks/core/messages";
import { bytesOf } from "../bytes.ts";
import { largest } from "../largest.ts";
import { errorText } from "../lines.ts";
import { type Cuts, fit } from "../text.ts";
import { richText } from "./rich-text.ts";

const mostTitle = 300;
/** Of the text alone. */
const mostBytes = 6_000;
/** Room for that text as one line, and for a title. */
const leastRoom = 8 * 1024;

/** What went wrong, as many lines of it as `room` bytes hold; how many more there are is said below. */
export function toErrorBox(error: MessageError, room: number, cuts: Cuts): JsonObject {
  const title = error.title && fit(error.title, { most: mostTitle, what: "class", cuts });
  const whole = errorText(error);
  const most = largest(whole.length, (count) => bytesOf(whole.slice(0, count)) <= mostBytes);
  const lines = fit(whole, { most, what: "error", cuts }).split("\n");
  const total = whole.split("\n").length;
  const boxOf = (count: number): JsonObject => ({
    type: "Container",
    style: "emphasis",
    items: [
      ...(title ? [richText({ text: title, weight: "Bolder" })] : []),
      // One block a line: a run of text shows no line breaks.
      ...lines.slice(0, count).map((line) => code(line === "" ? " " : line)),
      ...(count < total ? [code(moreText(total - count))] : []),
    ],
  });
  const roomy = Math.max(room, leastRoom);
  const count = largest(lines.length, (some) => bytesOf(boxOf(some)) <= roomy);
  if (count < lines.length) {
    cuts.push(`error from ${formatCount(total)} to ${formatCount(count)} lines`);
  }
  return boxOf(count);
}

function code(text: string): JsonObject {
  return richText({ text, fontType: "Monospace" });
}

function moreText(count: number): string {
  return `… ${formatCount(count)} more ${count === 1 ? "line" : "lines"}`;
}
