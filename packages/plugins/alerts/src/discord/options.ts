import type { JsonObject } from "@pipehooks/core";
import { z } from "zod";
import {
  type AlertOptions,
  alertShape,
  always,
  checkAddress,
  jsonTemplate,
  report,
  template,
} from "../options.ts";

export interface DiscordOptions extends AlertOptions {
  /** Address of a webhook; `?thread_id=…` in it leads into a thread. */
  readonly webhookUrl: string;
  /** The name that it posts under, a template over the event; cut at 80 characters. @default the webhook's */
  readonly username?: string | undefined;
  /** Address of its picture. @default the webhook's */
  readonly avatarUrl?: string | undefined;
  /** Text above the embeds, a template over the event. */
  readonly content?: string | undefined;
  /** Embeds of one's own in place of the ready-made one; templates over the event. */
  readonly embeds?: readonly JsonObject[] | undefined;
  /** Who a message may call. @default nobody */
  readonly allowedMentions?: DiscordMentions | undefined;
}

export interface DiscordMentions {
  readonly parse?: readonly ("everyone" | "users" | "roles")[] | undefined;
  /** Ids. */
  readonly users?: readonly string[] | undefined;
  /** Ids. */
  readonly roles?: readonly string[] | undefined;
}

const ids = z.array(z.string().regex(/^\d+$/, "is no id")).optional();

/** Checks {@link DiscordOptions}; everything wrong is reported at once. */
export const discordOptions: z.ZodType<DiscordOptions, DiscordOptions> = z
  .strictObject({
    webhookUrl: z.string().describe("Address of a webhook"),
    username: template.min(1).optional().describe("The name that it posts under"),
    avatarUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("Address of its picture"),
    content: template.min(1).optional().describe("Text above the embeds"),
    embeds: z
      .array(jsonTemplate)
      .optional()
      .describe("Embeds in place of the ready-made one; none with content alone"),
    allowedMentions: z
      .strictObject({
        parse: z.array(z.enum(["everyone", "users", "roles"])).optional(),
        users: ids,
        roles: ids,
      })
      .optional()
      .describe("Who a message may call. Default nobody"),
    ...alertShape,
  })
  .superRefine((options, context) => {
    checkAddress(options, "webhookUrl", context);
    if (options.embeds?.length === 0 && options.content === undefined) {
      report(context, ["embeds"], 'leaves nothing to send. Give "content", or leave it out');
    }
  }, always);
