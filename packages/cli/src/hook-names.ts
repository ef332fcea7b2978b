import type { Pipehooks } from "@pipehooks/core";
import { UsageError } from "./usage-error.ts";

/** Refuses names of hooks that are not configured. */
export function checkHookNames(bus: Pipehooks, names: readonly string[]): void {
  const known = bus.hooks.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const configured = known.length === 0 ? "none" : known.join(", ");
  throw new UsageError(
    `No hook is called ${unknown.map((name) => `"${name}"`).join(" or ")}. Configured: ${configured}.`,
  );
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
