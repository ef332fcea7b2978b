import type { JsonObject } from "@pipehooks/core";
import { z } from "zod";
import { type AlertOptions, alertShape, always, checkAddress, jsonTemplate } from "../options.ts";

export interface TeamsOptions extends AlertOptions {
  /** Address of a Workflows webhook ("When a Teams webhook request is received"). It is used as it is. */
  readonly webhookUrl: string;
  /** An Adaptive Card of one's own (version 1.4 at most), templates over the event. */
  readonly card?: JsonObject | undefined;
  /** People who are mentioned when something is wrong. */
  readonly mentions?: readonly TeamsMention[] | undefined;
}

export interface TeamsMention {
  /** User principal name or Microsoft Entra object id. */
  readonly id: string;
  /** As shown. */
  readonly name: string;
}

/** Checks {@link TeamsOptions}; everything wrong is reported at once. */
export const teamsOptions: z.ZodType<TeamsOptions, TeamsOptions> = z
  .strictObject({
    webhookUrl: z.string().describe("Address of a Workflows webhook"),
    card: jsonTemplate.optional().describe("An Adaptive Card in place of the ready-made one"),
    mentions: z
      .array(z.strictObject({ id: z.string().min(1), name: z.string().min(1) }))
      .optional()
      .describe("People who are mentioned when something is wrong"),
    ...alertShape,
  })
  .superRefine((options, context) => checkAddress(options, "webhookUrl", context), always);
