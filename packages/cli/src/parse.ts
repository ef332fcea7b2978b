import { UsageError } from "./usage-error.ts";

export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new UsageError("Give a whole number from 1.");
}

export function parseOneOf(choices: readonly string[]): (text: string) => string {
  return (text) => {
    if (choices.includes(text)) return text;
    throw new UsageError(`Give one of: ${choices.join(", ")}.`);
  };
}
