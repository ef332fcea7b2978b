import { type Budget, type Delivery, HookError, type Outcome, pending } from "@pipehooks/core";

/** Of the 60 that a user has in a minute, some are left for people and for what asks twice. */
export const requestRate = "55/1m";

/** Our own budget of requests has none left: nothing was sent, and nothing is wrong. */
class BudgetSpent extends HookError {
  /** Milliseconds since the epoch. */
  readonly againAt: number;

  constructor(message: string, at: { readonly againAt: number; readonly now: number }) {
    super("RECEIVER_FAILED", message, { retryable: true, retryAfterMs: at.againAt - at.now });
    this.againAt = at.againAt;
  }
}

/**
 * Takes one request from the budget.
 * @throws HookError RECEIVER_FAILED where there is none left, with the time until there is
 */
export async function takeRequest(
  requests: Budget,
  parts: { readonly name: string; readonly host: string; readonly now: () => number },
): Promise<void> {
  const now = parts.now();
  const { granted, againAt = now + 60_000 } = await requests.take();
  if (granted) return;
  throw new BudgetSpent(
    `${parts.name}: the budget of ${requestRate} requests to ${parts.host} is used up.`,
    { againAt, now },
  );
}

/**
 * What comes of a claim that failed for want of requests: it is made again as it was, and no attempt is used up. Undefined
 * where it failed by something else.
 */
export function waitForRequests(
  thrown: unknown,
  { state }: Pick<Delivery, "state">,
  now: number,
): Outcome | undefined {
  const spent = spentIn(thrown);
  // Before the first state is stored nothing is asked for.
  if (spent === undefined || state === undefined) return undefined;
  const { againAt } = spent;
  return pending({
    state,
    againMs: Math.max(0, againAt - now),
    reason: `rate budget: the requests of ${requestRate} are used up, next at ${new Date(againAt).toISOString()}`,
    sent: false,
    record: false,
  });
}

/** Whoever passes an error on keeps it as the cause. */
function spentIn(thrown: unknown): BudgetSpent | undefined {
  let error = thrown;
  while (error instanceof Error && !(error instanceof BudgetSpent)) error = error.cause;
  return error instanceof BudgetSpent ? error : undefined;
}
