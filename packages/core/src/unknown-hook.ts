import { HookError } from "./errors.ts";
import { didYouMean } from "./nearest.ts";

/** Of more only so many are named. */
const mostNames = 20;

/** The error for a hook that is not among those that can be named. */
export function unknownHook(name: string, configured: Iterable<string>): HookError {
  const names = [...configured];
  const more = names.length - mostNames;
  const shown = [...names.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])];
  return new HookError(
    "CONFIG_INVALID",
    `There is no hook "${name}". ${didYouMean(name, names)}Configured are: ${shown.join(", ") || "none"}.`,
  );
}
