import type { JsonApiAnswer } from "@pipehooks/core";

/** A page is read no further: what it says stands at its beginning. In characters. */
const mostText = 10_000;
/** Texts by which databricks-sdk-py (`_base_client.py`) tries again, whatever the status. */
const passing =
  /please try again later|RPC token bucket limit has been exceeded|unexpected error|is temporarily unavailable/i;

/** What a failed answer says: JSON of several shapes, plain text, or a page (databricks-sdk-py `errors/parser.py`). */
export function explanationOf({
  json,
  text,
}: Pick<JsonApiAnswer, "json" | "text">): string | undefined {
  return json === null ? explanationInText(text.slice(0, mostText)) : explanationInJson(json);
}

/** Every shape of JSON in which the workspace explains itself. */
export function explanationInJson(json: unknown): string | undefined {
  const text = (key: string): string | undefined => {
    const value: unknown = Reflect.get(Object(json), key);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  if (typeof json === "string") return json;
  const code = text("error_code") ?? text("errorCode") ?? text("error");
  const message = text("message") ?? text("error_description") ?? text("errorSummary");
  return [code, message].filter((part) => part !== undefined).join(": ") || undefined;
}

function explanationInText(text: string): string | undefined {
  const isPage = text.trimStart().startsWith("<");
  const said = isPage ? (elementIn(text, "pre") ?? elementIn(text, "title")) : text;
  return said?.replaceAll(/\s+/g, " ").trim() || undefined;
}

function elementIn(page: string, name: string): string | undefined {
  const found = new RegExp(`<${name}\\b[^>]*>(.*?)</${name}>`, "is").exec(page)?.[1];
  return found?.replaceAll(/<[^>]*>/g, " ");
}

/** Whether a refusal asks for another attempt. */
export function asksAgain(text: string): boolean {
  return passing.test(text);
}

/** Whether the workspace does not know itself what became of the request. */
export function isInDoubt(text: string): boolean {
  return /unexpected error/i.test(text);
}
