import { HookError } from "./errors.ts";

/** For a hook that is asked for by its name and is not configured. */
export function unknownHook(name: string, configured: Iterable<string>): HookError {
  const names = [...configured].join(", ") || "none";
  return new HookError("CONFIG_INVALID", `There is no hook "${name}". Configured are: ${names}.`);
}
