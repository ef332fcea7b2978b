import {
  defineHook,
  judgeAnswer,
  type PipehooksEvent,
  readAnswer,
  skipped,
  toFetchFailure,
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
  create({ url, signalStart }, context) {
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
        // Which answers are worth another attempt is the same at most receivers.
        return judgeAnswer(await readAnswer(response), caller);
      },
      // For dry runs and route tests: what would be sent, and what an answer would mean.
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
