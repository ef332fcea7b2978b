import type { DebounceSpec, DigestSpec } from "@pipehooks/core";

const common = { hook: "g", source: "/test", maxKeys: 1_000_000, maxEvents: 1000 };

/** Gates of the hook `g`, the same in tests and in their children. */
export const debounce: DebounceSpec = {
  ...common,
  kind: "debounce",
  waitMs: 1000,
  maxWaitMs: undefined,
  leading: false,
};
export const digest: DigestSpec = { ...common, kind: "digest", every: 30, max: 5 };
