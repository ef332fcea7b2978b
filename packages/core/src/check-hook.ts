import type { Clock } from "./clock.ts";
import { HookError, messageOf } from "./errors.ts";
import type { CheckReport } from "./hook.ts";
import type { Lanes } from "./lanes.ts";
import type { Redact } from "./redact.ts";

export interface HookCheck {
  readonly hook: string;
  /** `unknown`: the hook has no check. */
  readonly status: "ok" | "failed" | "unknown" | "off";
  readonly summary: string;
  /** What else could be told, a line each; where it was asked for. */
  readonly details?: readonly string[] | undefined;
}

/** Asks one hook whether it could deliver; never rejects. */
export async function checkHook(
  hook: string,
  {
    make,
    timeoutMs,
    clock,
    redact,
    verbose,
  }: {
    readonly make: Lanes["live"];
    readonly timeoutMs: number;
    readonly clock: Clock;
    readonly redact: Redact;
    readonly verbose: boolean;
  },
): Promise<HookCheck> {
  const controller = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = clock.timer(timeoutMs, () => {
    const error = new HookError("TIMEOUT", `${hook}: the check took longer than ${timeoutMs} ms.`);
    late.reject(error);
    controller.abort(error);
  });
  const check = async (): Promise<HookCheck> => {
    const live = await make(hook);
    if (live === undefined)
      return { hook, status: "off", summary: "disabled in the configuration" };
    if (live.check === undefined) {
      return { hook, status: "unknown", summary: "this kind of hook has no check" };
    }
    const report: CheckReport | void = await live.check(controller.signal, { verbose });
    return {
      hook,
      status: "ok",
      summary: redact(report?.summary ?? "could deliver"),
      ...(report?.details !== undefined && { details: report.details.map(redact) }),
    };
  };
  try {
    return await Promise.race([check(), late.promise]);
  } catch (error) {
    return { hook, status: "failed", summary: redact(messageOf(error)) };
  } finally {
    timer[Symbol.dispose]();
  }
}
