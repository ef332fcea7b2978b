import {
  defineHook,
  delivered,
  type HookFactory,
  type PipehooksEvent,
  skipped,
} from "@pipehooks/core";
import { toFailure, toRefusal } from "./failure.ts";
import { type HeartbeatOptions, heartbeatOptions } from "./options.ts";

/** Signals of https://healthchecks.io/docs/http_api/ by how the event's type ends. */
const signals: Readonly<Record<string, string>> = { start: "/start", end: "", error: "/fail" };

/**
 * Tells a dead man's switch how runs go. It raises the alarm when the sign of a good end does not come in time.
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * heartbeat({ url: "https://hc-ping.com/5f3bd2a0-8c1e-4d7a-9c55-0f6f2b1c7e11" })
 */
export const heartbeat: HookFactory<HeartbeatOptions> = defineHook({
  name: "heartbeat",
  options: heartbeatOptions,
  secrets: ({ url }) => [new URL(url).pathname.slice(1)],
  destination: ({ url }) => new URL(url).host,
  create: ({ url, signalStart = true }, { name, clock, redact }) => ({
    async deliver({ event, signal }) {
      const ending = event.type.split(".").at(-1) ?? "";
      if (signals[ending] === undefined)
        return skipped(`"${event.type}" is no start, end or error`);
      if (ending === "start" && !signalStart) return skipped("signal_start is off");

      const response = await post(addressOf(url, event), bodyOf(event), signal).catch(
        (error: unknown) => {
          throw toFailure(name, error);
        },
      );
      if (!response.ok) throw toRefusal(name, response, clock.now());
      return delivered({ status: response.status });
    },
    render: ({ event }) => ({
      target: redact(`POST ${addressOf(url, event)}`),
      body: bodyOf(event),
    }),
  }),
});

function addressOf(url: string, { type, runId = "" }: PipehooksEvent): string {
  return `${url}${signals[type.split(".").at(-1) ?? ""] ?? ""}?rid=${runId}`;
}

function bodyOf({ error }: PipehooksEvent): string {
  return error?.message ?? "";
}

async function post(address: string, body: string, signal: AbortSignal): Promise<Response> {
  // Runs are rare, so no connection is kept between them; then there is nothing to dispose of either.
  const headers = { connection: "close" };
  const redirect = "manual";
  const response = await fetch(address, { method: "POST", headers, body, signal, redirect });
  // Only the status counts.
  await response.body?.cancel();
  return response;
}
