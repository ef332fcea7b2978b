import micromatch from "micromatch";
import { HookError, messageOf } from "./errors.ts";

export type Match = (text: string) => boolean;

const rememberedTexts = 1000;
// `bash`: one star takes any character, slashes included; names are no paths.
const options = {
  bash: true,
  dot: true,
  nonegate: true,
  strictBrackets: true,
  strictSlashes: true,
};

/**
 * Compiles globs (`prod_*`, `pipeline.{end,error}`, `!prod_scratch`) once. A text matches when it fits one of the
 * patterns and none of those with `!`; with only `!` patterns everything else matches.
 * @throws HookError CONFIG_INVALID for a glob that cannot be read
 */
export function compilePatterns(patterns: readonly string[]): Match {
  const taken = patterns.filter((pattern) => !isNegated(pattern)).map(compileGlob);
  const left = patterns.filter(isNegated).map((pattern) => compileGlob(pattern.slice(1)));
  const decide: Match = (text) =>
    (taken.length === 0 || taken.some((match) => match(text))) &&
    !left.some((match) => match(text));
  return remember(decide);
}

/** Whether a pattern takes away: `!(a|b)` is an extended glob, no negation. */
export function isNegated(pattern: string): boolean {
  return pattern.startsWith("!") && !pattern.startsWith("!(");
}

function compileGlob(pattern: string): Match {
  if (pattern.trim() === "") {
    throw new HookError("CONFIG_INVALID", 'A glob is empty. Write "*" for everything.');
  }
  if (pattern === "*" || pattern === "**") return () => true;
  try {
    if (pattern.includes("{") !== pattern.includes("}")) throw new Error("a brace is not closed");
    // As a path, `./x` would be the same as `x`.
    return micromatch.matcher(pattern.startsWith("./") ? `\\${pattern}` : pattern, options);
  } catch (cause) {
    throw new HookError("CONFIG_INVALID", `"${pattern}" is not a glob: ${messageOf(cause)}.`, {
      cause,
    });
  }
}

function remember(decide: Match): Match {
  const known = new Map<string, boolean>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= rememberedTexts) known.clear();
    const verdict = decide(text);
    known.set(text, verdict);
    return verdict;
  };
}
