import {
  defineHook,
  type HookFactory,
  judgeAnswer,
  type PipehooksEvent,
  readAnswer,
  skipped,
  toFetchFailure,
} from "@pipehooks/core";
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
  create({ url, signalStart = true }, context) {
    const remedy = 'See that "url" is that of a check.';
    const caller = { ...context, receiver: "the check", remedy };
    return {
      async deliver({ event, signal }) {
        const ending = endingOf(event);
        if (signals[ending] === undefined)
          return skipped(`"${event.type}" is no start, end or error`);
        if (ending === "start" && !signalStart) return skipped("signal_start is off");

        const response = await fetch(addressOf(url, event), {
          method: "POST",
          body: bodyOf(event),
          redirect: "manual",
          signal,
        }).catch((error: unknown) => {
          throw toFetchFailure(error, caller);
        });
        return judgeAnswer(await readAnswer(response), caller);
      },
      render: ({ event }) => ({
        target: context.redact(`POST ${addressOf(url, event)}`),
        body: bodyOf(event),
      }),
      answered: (answer) => judgeAnswer(answer, caller),
    };
  },
});

function endingOf({ type }: PipehooksEvent): string {
  return type.split(".").at(-1) ?? "";
}

function addressOf(url: string, event: PipehooksEvent): string {
  return `${url}${signals[endingOf(event)] ?? ""}?rid=${event.runId ?? ""}`;
}

function bodyOf({ error }: PipehooksEvent): string {
  return error?.message ?? "";
}
