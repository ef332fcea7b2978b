import { didYouMean, type Pipehooks, unknownHook } from "@pipehooks/core";
import type { Context } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Refuses names of hooks that are not configured. */
export function checkHookNames({ hooks }: Pipehooks, names: readonly string[]): void {
  const known = hooks.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownHook(unknown, known);
}

/** Where nothing was found of a hook, its name may be a slip: one that is not configured may still have deliveries. */
export function sayIfUnknown({ output }: Context, { hooks }: Pipehooks, name?: string): void {
  const known = hooks.map((hook) => hook.name);
  if (name === undefined || known.includes(name)) return;
  output.say(`No hook "${name}" is configured. ${didYouMean(name, known)}`.trimEnd());
}

/** Refuses hooks that the file switches off: only the file can switch them on. */
export function checkEnabledInFile(bus: Pipehooks, names: readonly string[]): void {
  checkHookNames(bus, names);
  const off = bus.hooks.filter(({ name, policy }) => names.includes(name) && !policy.enabled);
  if (off.length === 0) return;
  const listed = off.map(({ name }) => `"${name}"`).join(", ");
  throw new UsageError(
    `The configuration switches ${listed} off ("enabled: false"). Change it there.`,
  );
}
