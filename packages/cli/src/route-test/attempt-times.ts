import { parseDuration } from "@pipehooks/core";

const span = String.raw`\+?(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+`;

/** `+30s`, `+1m30s`, `+1s..+2s`; `…` (or `...`) for whatever follows. */
export const attemptTimePattern: RegExp = new RegExp(
  String.raw`^(?:${span}(?:\.\.${span})?|…|\.\.\.)$`,
);

/** Whether attempts came when they should: what is wrong with them, or undefined. */
export function compareTimes(
  expected: readonly string[],
  actualMs: readonly number[],
): { readonly expected: string; readonly actual: string } | undefined {
  const isOpen = isRest(expected.at(-1));
  const wanted = isOpen ? expected.slice(0, -1) : expected;
  const fits =
    (isOpen ? actualMs.length >= wanted.length : actualMs.length === wanted.length) &&
    wanted.every((text, index) => isWithin(text, actualMs[index] ?? Number.NaN));
  if (fits) return undefined;
  return {
    expected: expected.join(", "),
    actual: actualMs.length === 0 ? "no attempt" : actualMs.map(toText).join(", "),
  };
}

function isRest(text: string | undefined): boolean {
  return text === "…" || text === "...";
}

function isWithin(text: string, ms: number): boolean {
  const [from = "", to = from] = text.split("..");
  return ms >= parseSum(from) && ms <= parseSum(to);
}

function parseSum(text: string): number {
  const parts = text.match(/\d+(?:\.\d+)?(?:ms|s|m|h|d)/g) ?? [];
  return parts.reduce((sum, part) => sum + parseDuration(part), 0);
}

/** Exact, and as it is written in a test: `+1m30.5s`. */
function toText(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const;
  let rest = ms;
  let text = "";
  for (const [unit, size] of units) {
    if (rest >= size) text += `${Math.floor(rest / size)}${unit}`;
    rest %= size;
  }
  return `+${text}${rest > 0 || text === "" ? `${rest / 1000}s` : ""}`;
}
