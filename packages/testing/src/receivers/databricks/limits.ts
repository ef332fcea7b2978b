import { Refusal } from "./refusal.ts";

/** Calls of one kind in a second, per workspace (docs `resources/limits`). */
export const callsPerSecond: Readonly<Record<string, number>> = {
  "jobs/run-now": 20,
  "jobs/runs/get": 100,
  "jobs/runs/list": 30,
  "jobs/runs/cancel": 10,
  "jobs/runs/cancel-all": 5,
  "jobs/runs/repair": 5,
  "jobs/runs/get-output": 20,
  "jobs/get": 20,
  "jobs/list": 20,
};

/** Counts calls in a sliding second. */
export function createLimits(
  limits: Readonly<Record<string, number>>,
  now: () => number,
): (call: string) => void {
  const taken = new Map<string, number[]>();
  return (call) => {
    const limit = limits[call];
    if (limit === undefined) return;
    const recent = (taken.get(call) ?? []).filter((at) => at > now() - 1000);
    taken.set(call, recent);
    if (recent.length >= limit) {
      throw new Refusal(
        429,
        "REQUEST_LIMIT_EXCEEDED",
        "RPC token bucket limit has been exceeded. Please try again later.",
        { "retry-after": "1" },
      );
    }
    recent.push(now());
  };
}
