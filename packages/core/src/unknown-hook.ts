import { HookError } from "./errors.ts";
import { didYouMean } from "./nearest.ts";

/** For a hook that is asked for by its name and is not configured. */
export function unknownHook(name: string, configured: Iterable<string>): HookError {
  const names = [...configured];
  return new HookError(
    "CONFIG_INVALID",
    `There is no hook "${name}". ${didYouMean(name, names)}Configured are: ${names.join(", ") || "none"}.`,
  );
}
