import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, vi } from "vitest";

// Test files share their processes: what one of them left behind another one would find, on some days.
const environment = process.env;
let before = new Map<string, unknown>();

beforeAll(() => {
  before = lookAround();
});

afterAll(() => {
  vi.unstubAllEnvs();
  const after = lookAround();
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (what) => !isDeepStrictEqual(before.get(what), after.get(what)),
  );
  if (changed.length > 0) throw new Error(`This file leaves changed: ${changed.join(", ")}.`);
});

/** Names of listeners that stay. */
const forGood = new Set(["hearStray", "hearExit"]);

/** What tests may change in their process, by name. */
function lookAround(): Map<string, unknown> {
  const found = new Map<string, unknown>([
    ["process.env, which is another object", process.env === environment],
    ["process.cwd()", process.cwd()],
    ["process.exitCode", process.exitCode],
  ]);
  for (const [name, value] of Object.entries(process.env)) found.set(`process.env.${name}`, value);
  for (const event of process.eventNames()) {
    // What hooks leave behind is heard of as long as the process lives.
    const listeners = process.listeners(event as "exit").filter(({ name }) => !forGood.has(name));
    if (listeners.length > 0) found.set(`listeners of ${String(event)}`, listeners.length);
  }
  for (const [owner, object] of Object.entries({ globalThis, Math, JSON, performance, process })) {
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      // What compilers add for themselves begins with __.
      if (typeof value === "function" && !key.startsWith("__")) found.set(`${owner}.${key}`, value);
    }
  }
  return found;
}
