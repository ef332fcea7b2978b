import type { JsonObject } from "@pipehooks/core";
import { z } from "zod";
import {
  type AlertOptions,
  alertShape,
  always,
  checkAddress,
  checkApiAddress,
  type IssueContext,
  jsonTemplate,
  report,
  template,
  visible,
} from "../options.ts";

export interface SlackOptions extends AlertOptions {
  /** Address of an incoming webhook. This, or `token` and `channel`. */
  readonly webhookUrl?: string | undefined;
  /** Bot token (`xoxb-…`) with the scope `chat:write`: threads and updates need it. */
  readonly token?: string | undefined;
  /** Id of the channel that the app was invited to, `C0123456789`. */
  readonly channel?: string | undefined;
  /** Where the Web API is. @default "https://slack.com" */
  readonly apiUrl?: string | undefined;
  /** The message's text in mrkdwn, a template over the event; with blocks what notifications show. */
  readonly text?: string | undefined;
  /** Blocks of one's own in place of the ready-made ones; templates over the event. */
  readonly blocks?: readonly JsonObject[] | undefined;
  /** What an `alert` gate tells later goes into the thread of its first message. Needs `token`. @default true */
  readonly thread?: boolean | undefined;
  /** Rewrites the first message of an `alert` gate when it is resolved. Needs `token`. @default true */
  readonly updateOnResolve?: boolean | undefined;
  /** Who is mentioned when something is wrong: `here`, `channel`, ids of users (`U…`) or groups (`S…`). */
  readonly mention?: string | readonly string[] | undefined;
}

const mention = z
  .string()
  .regex(
    /^(?:here|channel|everyone|[UWS][A-Z0-9]{2,})$/,
    "is neither here, channel, everyone, nor the id of a user or group",
  );

/** Checks {@link SlackOptions}; everything wrong is reported at once. */
export const slackOptions: z.ZodType<SlackOptions, SlackOptions> = z
  .strictObject({
    webhookUrl: z.string().optional().describe("Address of an incoming webhook"),
    token: visible.optional().describe("Bot token, xoxb-…"),
    channel: z.string().min(1).optional().describe("Id of the channel"),
    apiUrl: z.string().optional().describe("Where the Web API is. Default https://slack.com"),
    text: template.min(1).optional().describe("The message's text, a template over the event"),
    blocks: z
      .array(jsonTemplate)
      .min(1)
      .optional()
      .describe("Blocks in place of the ready-made ones"),
    thread: z
      .boolean()
      .optional()
      .describe("Later messages of an incident as replies. Default true"),
    updateOnResolve: z
      .boolean()
      .optional()
      .describe("Rewrite an incident's first message when it is resolved. Default true"),
    mention: z
      .union([mention, z.array(mention)])
      .optional()
      .describe("Who is mentioned when something is wrong"),
    ...alertShape,
  })
  .superRefine((options, context) => {
    checkAddress(options, "webhookUrl", context);
    checkApiAddress(options, context);
    checkWay(options, context);
  }, always);

/** Exactly one way to the channel. */
function checkWay(options: SlackOptions, context: IssueContext): void {
  const { webhookUrl, token, channel } = options;
  if (webhookUrl === undefined) {
    if (token === undefined && channel === undefined) {
      report(context, ["webhookUrl"], 'is missing. Give it, or "token" and "channel"');
    } else if (token === undefined) report(context, ["token"], 'is missing; "channel" needs it');
    else if (channel === undefined) report(context, ["channel"], 'is missing; "token" needs it');
    return;
  }
  for (const name of ["token", "channel"] as const) {
    if (options[name] !== undefined) {
      report(
        context,
        [name],
        'stands beside "webhookUrl", which leads to one channel by itself. Leave one of the two out',
      );
    }
  }
  for (const name of ["apiUrl", "thread", "updateOnResolve"] as const) {
    if (options[name] !== undefined) {
      report(context, [name], 'needs "token": a webhook tells nothing of the message that it made');
    }
  }
}
