import {
  defineHook,
  delivered,
  HookError,
  isHookError,
  parseRetryAfter,
  skipped,
} from "@pipehooks/core";
import { z } from "zod";

/** Signals of https://healthchecks.io/docs/http_api/ by how the event's type ends. */
const signals: Readonly<Record<string, string>> = { start: "/start", end: "", error: "/fail" };

/** Tells a dead man's switch how runs go. It raises the alarm when the sign of a good end does not come in time. */
export default defineHook({
  name: "heartbeat",
  options: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("Ping address of the check"),
    signalStart: z.boolean().default(true).describe("Also tell the start. Default true"),
  }),
  // Whoever knows the path can ping, so it appears in no log and no error.
  secrets: ({ url }) => [new URL(url).pathname.slice(1)],
  destination: ({ url }) => new URL(url).host,
  create: ({ url, signalStart }, { name, clock }) => ({
    async deliver({ event, signal }) {
      const ending = event.type.split(".").at(-1) ?? "";
      const path = signals[ending];
      if (path === undefined) return skipped(`"${event.type}" is no start, end or error`);
      if (ending === "start" && !signalStart) return skipped("signal_start is off");

      const address = `${url}${path}?rid=${event.runId ?? ""}`;
      const body = event.error?.message ?? "";
      const response = await post(address, body, signal).catch((error: unknown) => {
        throw toFailure(name, error);
      });
      if (!response.ok) throw toRefusal(name, response, clock.now());
      return delivered({ status: response.status });
    },
  }),
});

async function post(address: string, body: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(address, { method: "POST", body, signal, redirect: "manual" });
  await response.body?.cancel();
  return response;
}

/** No answer: worth another attempt. */
function toFailure(name: string, cause: unknown): HookError {
  if (isHookError(cause)) return cause;
  return new HookError("RECEIVER_UNREACHABLE", `${name}: the check could not be reached.`, {
    retryable: true,
    cause,
  });
}

/** An answer that is no success: which ones are worth another attempt is all that a hook has to know. */
function toRefusal(name: string, { status, headers }: Response, now: number): HookError {
  const said = `${name}: the check answered ${status}.`;
  if (status === 429 || status >= 500) {
    const retryAfterMs = parseRetryAfter(headers.get("retry-after") ?? undefined, now);
    return new HookError("RECEIVER_FAILED", said, { retryable: true, retryAfterMs });
  }
  return new HookError("RECEIVER_REFUSED", `${said} See that "url" is that of a check.`);
}
