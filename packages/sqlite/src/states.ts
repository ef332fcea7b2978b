import type { DeliveryState } from "@pipehooks/core";

/** Numbers of the states in the file: up to `running` they can be claimed, up to `blocked` they are unsettled. */
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
};

const names = new Map(
  Object.entries(stateCodes).map(([name, code]) => [code, name as DeliveryState]),
);

/** The state behind a number of the file. */
export function toState(code: number): DeliveryState {
  return names.get(code) ?? "dead";
}

export function isSettled(code: number): boolean {
  return code > stateCodes.blocked;
}
