import { z } from "zod";
import {
  type AlertOptions,
  alertShape,
  always,
  type BySeverity,
  bySeverity,
  checkApiAddress,
  report,
  template,
  visible,
} from "../options.ts";

export type OpsgeniePriority = "P1" | "P2" | "P3" | "P4" | "P5";

export interface OpsgenieResponder {
  readonly type: "team" | "user" | "escalation" | "schedule";
  /** This or `name`. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

export interface OpsgenieOptions extends AlertOptions {
  /** Key of an API integration. */
  readonly apiKey: string;
  /** `jsm`: Jira Service Management, where the same API lives on. @default "opsgenie" */
  readonly product?: "opsgenie" | "jsm" | undefined;
  /** Where the Opsgenie account is. @default "us" */
  readonly region?: "us" | "eu" | undefined;
  /** Where the API is instead, without its path. */
  readonly apiUrl?: string | undefined;
  /** The alert's title, a template over the event. @default the headline */
  readonly message?: string | undefined;
  /** A template over the event. @default summary, facts, error and links */
  readonly description?: string | undefined;
  /**
   * What makes one alert of several events; a template over the event. It must be the same for what opens and what
   * resolves. Where it is empty for an event, the default is taken. @default the incident of an `alert` gate, else the delivery
   */
  readonly alias?: string | undefined;
  readonly responders?: readonly OpsgenieResponder[] | undefined;
  /** Templates over the event. */
  readonly tags?: readonly string[] | undefined;
  /** One for all, or by the event's severity. @default P1 critical, P2 error, P3 warning, P5 info */
  readonly priority?: OpsgeniePriority | BySeverity<OpsgeniePriority> | undefined;
  /** Values shown with the alert, templates over the event. @default the facts */
  readonly details?: Readonly<Record<string, string>> | undefined;
  /** What is affected, a template over the event. @default pipeline, table or the event's source */
  readonly entity?: string | undefined;
  /** A note on what opens and on what closes; a template over the event. @default the headline, when it closes */
  readonly note?: string | undefined;
}

const priority = z.enum(["P1", "P2", "P3", "P4", "P5"]);

/** Checks {@link OpsgenieOptions}; everything wrong is reported at once. */
export const opsgenieOptions: z.ZodType<OpsgenieOptions, OpsgenieOptions> = z
  .strictObject({
    apiKey: visible.describe("Key of an API integration"),
    product: z.enum(["opsgenie", "jsm"]).optional().describe("Default opsgenie"),
    region: z.enum(["us", "eu"]).optional().describe("Of the Opsgenie account. Default us"),
    apiUrl: z.string().optional().describe("Where the API is instead, without its path"),
    message: template.min(1).optional().describe("The alert's title. Default: the headline"),
    description: template.min(1).optional(),
    alias: template.min(1).optional().describe("What makes one alert of several events"),
    responders: z
      .array(
        z
          .strictObject({
            type: z.enum(["team", "user", "escalation", "schedule"]),
            id: z.string().min(1).optional(),
            name: z.string().min(1).optional(),
          })
          .refine(({ id, name }) => (id === undefined) !== (name === undefined), {
            error: 'needs either "id" or "name"',
          }),
      )
      .optional(),
    tags: z.array(template.min(1)).optional(),
    priority: z
      .union([priority, bySeverity(priority)])
      .optional()
      .describe("One for all, or by the event's severity"),
    details: z.record(z.string(), template).optional().describe("Values shown with the alert"),
    entity: template.min(1).optional().describe("What is affected. Default: the pipeline"),
    note: template.min(1).optional().describe("A note on what opens and on what closes"),
    ...alertShape,
  })
  .superRefine((options, context) => {
    checkApiAddress(options, context);
    const { region, product, apiUrl } = options;
    if (region === undefined) return;
    if (product === "jsm")
      report(context, ["region"], "is Opsgenie's; Jira Service Management has one address");
    if (apiUrl !== undefined) {
      report(
        context,
        ["region"],
        'stands beside "apiUrl", which says where it is. Leave one of the two out',
      );
    }
  }, always);
