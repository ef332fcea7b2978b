export { toSnake } from "@pipehooks/core";

/** `max_age` → `maxAge`: how an option is named in code. */
export function toCamel(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
