import type { DeliveryState } from "@pipehooks/core";

/**
 * Numbers of the states in the file: up to `running` they can be claimed, up to `blocked` they are unsettled and hold up
 * their order key, up to `cancelled` they are settled; `gathering` is unsettled, too.
 */
export const stateCodes: Readonly<Record<DeliveryState, number>> = {
  waiting: 1,
  retrying: 2,
  pending: 3,
  running: 4,
  blocked: 5,
  delivered: 6,
  skipped: 7,
  dead: 8,
  cancelled: 9,
  gathering: 10,
};

/** What is counted for each hook as the states are, and is none. */
export const tallies = {
  /** Keys that its gate remembers. */
  keys: 14,
  /** 1 from when the gate had to turn a key away until there was room for one. */
  full: 15,
} as const;

const names = new Map(
  Object.entries(stateCodes).map(([name, code]) => [code, name as DeliveryState]),
);

/** The state behind a number of the file. */
export function toState(code: number): DeliveryState {
  return names.get(code) ?? "dead";
}

export function isSettled(code: number): boolean {
  return code > stateCodes.blocked && code !== stateCodes.gathering;
}
