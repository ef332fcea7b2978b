import type { HookConfig, PipehooksEvent } from "@pipehooks/core";
import { webhook } from "@pipehooks/webhook";

/** What reacts: two signed webhooks and a function. */
export function hooksFor(receiver: {
  readonly url: string;
  readonly secret: string;
}): HookConfig[] {
  const { url, secret } = receiver;
  return [
    {
      name: "data-quality",
      events: "data.quality_check",
      when: tooManyFailed,
      retry: { attempts: 5, base: "200ms" },
      hook: webhook({
        url: `${url}/quality`,
        signing: { secret },
        payload: {
          text: "${metadata.failed_rows} rows of ${table} break the rule ${metadata.rule}",
        },
        // A receiver on this machine: closed unless asked for.
        allowPrivate: true,
      }),
    },
    {
      name: "catalogue",
      events: ["schema.evolution", "table.created"],
      hook: webhook({
        url: `${url}/catalogue`,
        format: "cloudevents",
        signing: { secret },
        allowPrivate: true,
      }),
    },
    {
      name: "run-log",
      events: "pipeline.{end,error}",
      hook: ({ event, attempt }) => {
        const { pipeline, type, metadata } = event;
        console.log(
          `run-log       ${pipeline}: ${type}, ${metadata.rows} rows (attempt ${attempt})`,
        );
      },
    },
  ];
}

/** Conditions are plain functions; more than one row in a hundred is worth a message. */
function tooManyFailed({ metadata }: PipehooksEvent): boolean {
  return Number(metadata.failed_rows) > Number(metadata.checked_rows) / 100;
}
