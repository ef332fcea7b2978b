import type { JsonObject } from "@pipehooks/core";

/** A block of text that is shown as it is: other than in a TextBlock, nothing in it is Markdown. */
export function richText(run: JsonObject): JsonObject {
  return { type: "RichTextBlock", inlines: [{ type: "TextRun", ...run }] };
}
