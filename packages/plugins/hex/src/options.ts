import {
  compileTemplate,
  type JsonValue,
  messageOf,
  policyShape,
  type RemoteRunOptions,
  remoteRunShape,
} from "@pipehooks/core";
import { z } from "zod";
import { parseHexHost } from "./host.ts";

export interface HexRunOptions extends RemoteRunOptions {
  /** A personal (`hxtp_…`) or workspace token (`hxtw_…`) that may run projects. */
  readonly token: string;
  /** The workspace's host: `app.hex.tech`, `eu.hex.tech`, `acme.hex.tech`. @default "app.hex.tech" */
  readonly host?: string | undefined;
  /** Id of the project: it is in the project's address. Its latest published version runs. */
  readonly project: string;
  /** Values for inputs of the published app, by their variable's name; templates over the event. */
  readonly inputParams?: Readonly<Record<string, JsonValue>> | undefined;
  /** A saved view whose inputs are used instead; a template over the event. */
  readonly viewId?: string | undefined;
  /** Refreshes what people see in the published app. Not together with `inputParams`. @default false */
  readonly updatePublishedResults?: boolean | undefined;
  /** Whether cached SQL results may be used. Hex's own default is true, which after a load shows old data. @default false */
  readonly useCachedSqlResults?: boolean | undefined;
  /** Who is told by Hex itself. */
  readonly notifications?: readonly HexNotification[] | undefined;
  /**
   * Starts nothing where the published results are fresh: `true` where they are newer than the event, a duration such
   * as `15m` where they are younger than that. @default false
   */
  readonly skipIfFresh?: boolean | string | undefined;
  /** Starts in these windows at most, over all hooks with the token. @default ["18/1m", "55/1h"] */
  readonly startRate?: readonly string[] | undefined;
  /** Runs of this token at a time: each holds one of the 25 kernels that a user has. @default 10 */
  readonly maxRunning?: number | undefined;
  /** Lets `host` be plain http, for a receiver on this machine. @default false */
  readonly allowHttp?: boolean | undefined;
}

/** A message that Hex sends when a run has ended. Ids are those of Slack or of Hex's settings. */
export interface HexNotification {
  readonly type: "ALL" | "SUCCESS" | "FAILURE";
  /** @default false */
  readonly includeSuccessScreenshot?: boolean | undefined;
  readonly screenshotFormat?: "png" | "pdf" | undefined;
  readonly slackChannelIds?: readonly string[] | undefined;
  readonly userIds?: readonly string[] | undefined;
  readonly groupIds?: readonly string[] | undefined;
  /** A template over the event. */
  readonly subject?: string | undefined;
  /** A template over the event. */
  readonly body?: string | undefined;
}

const defaultHost = "app.hex.tech";

/** Both of Hex's windows (20 a minute, 60 an hour) with something left for people. */
const defaultStartRate: readonly string[] = ["18/1m", "55/1h"];

// Rules between options are checked also where a single option is wrong: all is reported at once.
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};

const template = z.string().superRefine(checkTemplate);
const ids = z.array(z.string().min(1)).optional();

/** Checks {@link HexRunOptions}; everything wrong is reported at once. */
export const hexRunOptions: z.ZodType<HexRunOptions, HexRunOptions> = z
  .strictObject({
    token: z
      .string()
      .regex(/^[\x21-\x7e]+$/, "is empty or has more than visible ASCII")
      .describe("hxtp_… or hxtw_…"),
    host: z.string().optional().describe("The workspace's host. Default app.hex.tech"),
    project: z
      .string()
      .regex(/^[\w-]+$/, "is no project id; it is the UUID in the project's address")
      .describe("Id of the project"),
    inputParams: z
      .record(z.string(), z.json())
      .superRefine(checkTemplate)
      .optional()
      .describe("Values for inputs of the published app"),
    viewId: template.min(1).optional().describe("A saved view whose inputs are used"),
    updatePublishedResults: z
      .boolean()
      .optional()
      .describe("Refresh the published app. Default false"),
    useCachedSqlResults: z
      .boolean()
      .optional()
      .describe("Whether cached SQL results may be used. Default false"),
    notifications: z
      .array(
        z.strictObject({
          type: z.enum(["ALL", "SUCCESS", "FAILURE"]),
          includeSuccessScreenshot: z.boolean().optional().describe("Default false"),
          screenshotFormat: z.enum(["png", "pdf"]).optional(),
          slackChannelIds: ids,
          userIds: ids,
          groupIds: ids,
          subject: template.optional(),
          body: template.optional(),
        }),
      )
      .min(1)
      .optional()
      .describe("Who is told by Hex itself"),
    skipIfFresh: z
      .union([z.boolean(), policyShape.timeout.unwrap()])
      .optional()
      .describe("Start nothing where the results are newer than the event, or than a duration"),
    startRate: policyShape.rateLimit.describe("Starts over all hooks. Default 18/1m and 55/1h"),
    maxRunning: z
      .int()
      .min(1)
      .max(25, "is more than the 25 kernels that a user has")
      .optional()
      .describe("Runs of this token at a time. Default 10"),
    allowHttp: z.boolean().optional().describe("Let host be plain http. Default false"),
    ...remoteRunShape,
  })
  .superRefine((options, context) => {
    const { host, allowHttp, inputParams, viewId, updatePublishedResults } = options;
    if (typeof host === "string") {
      check(context, ["host"], () => parseHexHost(host, allowHttp === true));
    }
    if (hasKeys(inputParams) && updatePublishedResults === true) {
      context.addIssue({
        code: "custom",
        path: ["updatePublishedResults"],
        message:
          'stands beside "inputParams", which Hex refuses: the published app shows one set of inputs. Leave one of the two out',
      });
    }
    if (hasKeys(inputParams) && viewId !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["viewId"],
        message: 'stands beside "inputParams"; a view has inputs of its own. Write one of the two',
      });
    }
  }, always);

/** Options with every default filled in. */
export function toSettings(options: HexRunOptions) {
  return {
    ...options,
    base: parseHexHost(options.host ?? defaultHost, options.allowHttp === true),
    useCachedSqlResults: options.useCachedSqlResults ?? false,
    skipIfFresh: options.skipIfFresh ?? false,
    startRate: options.startRate ?? defaultStartRate,
    maxRunning: options.maxRunning ?? 10,
  };
}

export type HexSettings = ReturnType<typeof toSettings>;

type Context = { addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void };

function checkTemplate(value: JsonValue, context: Context): void {
  check(context, [], () => compileTemplate(value));
}

function check(context: Context, path: PropertyKey[], parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    context.addIssue({ code: "custom", path, message: messageOf(error) });
  }
}

/** For rules that run before every type is known to be right. */
function hasKeys(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
