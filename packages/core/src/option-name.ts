/** `maxAge` → `max_age`: how a key is written in YAML. */
export function toSnake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * How a message names an option, or a path of options, that may have been written in code or in YAML:
 * `"webhookUrl" ("webhook_url" in YAML)`, or `"url"` where both are the same.
 */
export function optionName(path: string): string {
  const snake = toSnake(path);
  return snake === path ? `"${path}"` : `"${path}" ("${snake}" in YAML)`;
}
