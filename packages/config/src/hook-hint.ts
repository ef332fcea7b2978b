/** Names that other tools have for what a hook has under another one. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ["on", "events"],
  ["trigger", "events"],
  ["triggers", "events"],
  ["if", "when"],
  ["condition", "when"],
  ["policy", "retry"],
  ["type", "kind"],
  ["uses", "kind"],
  ["config", "options"],
  ["params", "options"],
  ["with", "options"],
]);

/** What is meant by a key that a hook has not got. */
export function hookHint(key: string, kinds: readonly string[]): string | undefined {
  if (kinds.includes(key)) return `Write "kind: ${key}", and what it takes under "options".`;
  const name = elsewhere.get(key);
  return name === undefined ? undefined : `Here that is "${name}".`;
}
