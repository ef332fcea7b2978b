import { HookError } from "../errors.ts";

const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/**
 * Days of the week as numbers (0 is Sunday) of `mon-fri`, `["mon", "thu"]` or `sat-mon`.
 * @throws HookError CONFIG_INVALID
 */
export function parseDays(days: string | readonly string[]): readonly number[] {
  const texts = typeof days === "string" ? days.split(",") : days;
  return [...new Set(texts.flatMap(rangeOf))].sort((a, b) => a - b);
}

function rangeOf(text: string): readonly number[] {
  const [from = -1, to = from, ...more] = text
    .split("-")
    .map((name) => names.indexOf(name.trim().toLowerCase() as (typeof names)[number]));
  if (from < 0 || to < 0 || more.length > 0) {
    throw new HookError(
      "CONFIG_INVALID",
      `"${text}" is not a day. Write ${names.join(", ")}, or a range such as mon-fri.`,
    );
  }
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, index) => (from + index) % 7);
}
