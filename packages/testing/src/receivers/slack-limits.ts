import type { JsonObject, JsonValue } from "@pipehooks/core";
import { isRecord } from "./alert-faults.ts";

// Block Kit reference on docs.slack.dev. The sum over all blocks is documented nowhere: 9 597 characters were taken,
// 11 341 refused.
const mostInAll = 10_500;
const types = new Set([
  ...["actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section"],
  ...["video", "markdown"],
]);

/** What Slack would refuse the blocks for; undefined where it takes them. */
export function blockProblem(
  blocks: JsonValue | undefined,
): { readonly error: string; readonly why: string } | undefined {
  if (blocks === undefined) return undefined;
  const invalid = (why: string) => ({ error: "invalid_blocks", why });
  if (!Array.isArray(blocks)) return invalid("blocks is no list");
  if (blocks.length > 50) return invalid("no more than 50 items allowed [json-pointer:/blocks]");
  const ids = new Set<JsonValue>();
  for (const [index, block] of blocks.entries()) {
    const at = `[json-pointer:/blocks/${index}`;
    if (!isRecord(block) || typeof block.type !== "string" || !types.has(block.type)) {
      return invalid(`unsupported type ${at}]`);
    }
    const why = wrongIn(block);
    if (why !== undefined) return invalid(`${why} ${at}]`);
    const { block_id: id } = block;
    if (id === undefined) continue;
    if (typeof id !== "string" || id.length > 255) return invalid(`block_id ${at}/block_id]`);
    if (ids.has(id)) return invalid(`block_id is not unique ${at}/block_id]`);
    ids.add(id);
  }
  if (charactersOf(blocks) > mostInAll) {
    return { error: "msg_blocks_too_long", why: "the blocks are too long together" };
  }
  return undefined;
}

function wrongIn({ type, text, fields, elements }: JsonObject): string | undefined {
  if (type === "header") {
    return (
      wrongText(text, 150) ??
      (isRecord(text) && text.type !== "plain_text" ? "must be plain_text" : undefined)
    );
  }
  if (type === "section") {
    if (text === undefined && fields === undefined) return "must have text or fields";
    if (text !== undefined && wrongText(text, 3_000) !== undefined) return wrongText(text, 3_000);
    if (fields === undefined) return undefined;
    if (!Array.isArray(fields) || fields.length > 10) return "no more than 10 fields";
    return fields.map((field) => wrongText(field, 2_000)).find((why) => why !== undefined);
  }
  if (type !== "context") return undefined;
  if (!Array.isArray(elements) || elements.length === 0 || elements.length > 10) {
    return "1 to 10 elements";
  }
  return elements
    .map((element) =>
      isRecord(element) && element.type === "image" ? undefined : wrongText(element, 3_000),
    )
    .find((why) => why !== undefined);
}

function wrongText(text: JsonValue | undefined, most: number): string | undefined {
  if (!isRecord(text) || typeof text.text !== "string") return "must have a text object";
  if (text.text.length === 0) return "must be more than 0 characters";
  return text.text.length > most ? `must be less than ${most + 1} characters` : undefined;
}

function charactersOf(value: JsonValue): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + charactersOf(item), 0);
  if (!isRecord(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [key, item]) =>
      sum + (key === "text" && typeof item === "string" ? item.length : charactersOf(item)),
    0,
  );
}
