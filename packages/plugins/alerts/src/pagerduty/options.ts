import type { JsonObject } from "@pipehooks/core";
import { z } from "zod";
import {
  type AlertOptions,
  alertShape,
  always,
  type BySeverity,
  bySeverity,
  checkApiAddress,
  jsonTemplate,
  report,
  template,
} from "../options.ts";

export type PagerDutySeverity = "critical" | "error" | "warning" | "info";

export interface PagerDutyOptions extends AlertOptions {
  /** Integration key of a service (Events API v2): 32 letters and digits. */
  readonly routingKey: string;
  /** Where the account is. @default "us" */
  readonly region?: "us" | "eu" | undefined;
  /** Where the Events API is instead. */
  readonly apiUrl?: string | undefined;
  /** PagerDuty's severity: one for all, or by the event's. @default the same names */
  readonly severity?: PagerDutySeverity | BySeverity<PagerDutySeverity> | undefined;
  /**
   * What makes one alert of several events; a template over the event. It must be the same for what opens and what
   * resolves. Where it is empty for an event, the default is taken. @default the incident of an `alert` gate, else the delivery
   */
  readonly dedupKey?: string | undefined;
  /** The alert's title, a template over the event. @default the headline */
  readonly summary?: string | undefined;
  /** What is affected, a template over the event. @default pipeline, table or the event's source */
  readonly source?: string | undefined;
  /** A template over the event. */
  readonly component?: string | undefined;
  /** A template over the event. */
  readonly group?: string | undefined;
  /** A template over the event. */
  readonly class?: string | undefined;
  /** Values shown with the alert, templates over the event. @default facts, error and links */
  readonly customDetails?: JsonObject | undefined;
  /** Links behind those of the message; templates over the event. */
  readonly links?:
    | readonly { readonly href: string; readonly text?: string | undefined }[]
    | undefined;
  /** Pictures at https addresses; templates over the event. */
  readonly images?:
    | readonly {
        readonly src: string;
        readonly href?: string | undefined;
        readonly alt?: string | undefined;
      }[]
    | undefined;
  /** Who reports. @default "Pipehooks" */
  readonly client?: string | undefined;
  /** Address behind it, a template over the event. @default the dashboard */
  readonly clientUrl?: string | undefined;
  /** Sends change events, which call nobody. @default false */
  readonly changeEvents?: boolean | undefined;
}

const severity = z.enum(["critical", "error", "warning", "info"]);

/** Options that change events know nothing of. */
const ofAlerts = [
  ...(["severity", "dedupKey", "component", "group", "class", "images"] as const),
  ...(["client", "clientUrl"] as const),
];

/** Checks {@link PagerDutyOptions}; everything wrong is reported at once. */
export const pagerDutyOptions: z.ZodType<PagerDutyOptions, PagerDutyOptions> = z
  .strictObject({
    routingKey: z
      .string()
      .regex(/^[A-Za-z0-9]{32}$/, "is no integration key, which is 32 letters and digits")
      .describe("Integration key of a service (Events API v2)"),
    region: z.enum(["us", "eu"]).optional().describe("Where the account is. Default us"),
    apiUrl: z.string().optional().describe("Where the Events API is instead"),
    severity: z
      .union([severity, bySeverity(severity)])
      .optional()
      .describe("PagerDuty's severity: one for all, or by the event's"),
    dedupKey: template.min(1).optional().describe("What makes one alert of several events"),
    summary: template.min(1).optional().describe("The alert's title. Default: the headline"),
    source: template.min(1).optional().describe("What is affected. Default: the pipeline"),
    component: template.min(1).optional(),
    group: template.min(1).optional(),
    class: template.min(1).optional(),
    customDetails: jsonTemplate.optional().describe("Values shown with the alert"),
    links: z
      .array(z.strictObject({ href: template.min(1), text: template.optional() }))
      .optional()
      .describe("Links behind those of the message"),
    images: z
      .array(
        z.strictObject({
          src: template.min(1),
          href: template.optional(),
          alt: template.optional(),
        }),
      )
      .optional()
      .describe("Pictures at https addresses"),
    client: template.min(1).optional().describe("Who reports. Default Pipehooks"),
    clientUrl: template.min(1).optional().describe("Address behind it. Default: the dashboard"),
    changeEvents: z.boolean().optional().describe("Send change events, which call nobody"),
    ...alertShape,
  })
  .superRefine((options, context) => {
    checkApiAddress(options, context);
    const { apiUrl, region, routingKey, changeEvents } = options;
    if (apiUrl !== undefined && region !== undefined) {
      report(
        context,
        ["region"],
        'stands beside "apiUrl", which says where it is. Leave one of the two out',
      );
    }
    if (changeEvents !== true) return;
    if (typeof routingKey === "string" && routingKey.startsWith("R")) {
      report(
        context,
        ["routingKey"],
        "is of a ruleset, which takes no change events. Use the key of a service",
      );
    }
    for (const name of ofAlerts) {
      if (options[name] !== undefined) report(context, [name], "is no part of change events");
    }
  }, always);
