import { HookError } from "./errors.ts";
import { didYouMean } from "./nearest.ts";

/** Of more only so many are named. */
const mostNames = 20;

/** Names in a row, of many only the first twenty and how many more there are. */
export function namesText(names: readonly string[]): string {
  const more = names.length - mostNames;
  return [...names.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

/** For a hook that is asked for by its name and is not configured. */
export function unknownHook(name: string, configured: Iterable<string>): HookError {
  const names = [...configured];
  return new HookError(
    "CONFIG_INVALID",
    `There is no hook "${name}". ${didYouMean(name, names)}Configured are: ${namesText(names) || "none"}.`,
  );
}
