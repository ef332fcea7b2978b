import { HookError } from "../errors.ts";
import { delivered, type Hook } from "../hook.ts";
import type { JsonObject } from "../json.ts";
import type { RemoteRunClient, RunReport } from "./contract.ts";
import { emitEnd, endedBadly, textOf } from "./run-events.ts";

const passing = new Set([408, 425, 429]);
const states = { completed: "succeeded", failed: "failed", cancelled: "cancelled" } as const;

/**
 * `answered` of a hook over a {@link RemoteRunClient}, for route tests: a 2xx is a run that has ended, so that what follows
 * from it can be tested, too. Its body may say how: `{ run: "failed", message, run_id, label, url, detail }`.
 */
export function answerRemoteRun(
  client: Pick<RemoteRunClient, "what" | "eventPrefix">,
): NonNullable<Hook["answered"]> {
  return ({ status, body }, delivery) => {
    if (status < 200 || status >= 300) {
      const retryable = status >= 500 || passing.has(status);
      const code = retryable ? "RECEIVER_FAILED" : "RECEIVER_REFUSED";
      const message = `${delivery.hook}: ${client.what}: the receiver answered ${status}.`;
      throw new HookError(code, message, { retryable, answer: { status } });
    }
    const said = isObject(body) ? body : {};
    const end = said.run === "failed" || said.run === "cancelled" ? said.run : "completed";
    const report: RunReport = {
      state: states[end],
      label: textAt(said, "label") ?? end,
      message: textAt(said, "message"),
      url: textAt(said, "url"),
      detail: isObject(said.detail) ? said.detail : undefined,
    };
    const run = { id: textAt(said, "run_id") ?? "1" };
    emitEnd(client, delivery, end, { run, report, startedAt: 0, endedAt: 0, again: 0 });
    if (end === "completed") return delivered({ status });
    throw endedBadly(
      textOf(client.what, run, report, end === "failed" ? "failed" : "was cancelled"),
    );
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textAt(said: JsonObject, key: string): string | undefined {
  const value = said[key];
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
