import type { RemoteRunOptions } from "@pipehooks/core";

/** What is wrong with options about a run that nobody sees the end of. */
export function* unwatchedProblems<T extends RemoteRunOptions>(
  options: T,
  keys: readonly (keyof T & string)[],
): Generator<{ readonly path: PropertyKey[]; readonly message: string }> {
  if (options.waitForCompletion !== false) return;
  for (const key of keys) {
    const value = options[key];
    if (value === undefined || value === false || value === 0) continue;
    yield { path: [key], message: 'is not used with "waitForCompletion": false' };
  }
}
