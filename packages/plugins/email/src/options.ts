import { compileTemplate, type JsonValue, parseSize, type Severity } from "@pipehooks/core";
import { z } from "zod";
import { domainOf, parseMailboxes, parseSingleMailbox } from "./address.ts";
import { findHeaderProblems } from "./headers.ts";
import { type SesOptions, sesOptions } from "./ses-options.ts";
import {
  checkBy,
  rsaKeyPem,
  type SmtpOptions,
  smtpOptions,
  toSmtpSettings,
} from "./smtp-options.ts";

export interface EmailOptions {
  /** The mail server; or `ses`. */
  readonly smtp?: SmtpOptions | undefined;
  /** Amazon SES instead of a server. */
  readonly ses?: SesOptions | undefined;
  /** `alerts@example.com` or `Pipelines <alerts@example.com>`. */
  readonly from: string;
  /** Addresses, each a template over the event; several in one text have commas between. */
  readonly to?: EmailAddresses | undefined;
  readonly cc?: EmailAddresses | undefined;
  readonly bcc?: EmailAddresses | undefined;
  readonly replyTo?: EmailAddresses | undefined;
  /** Who gets the mails of a severity, in place of `to`. */
  readonly toBySeverity?: EmailBySeverity | undefined;
  /** Template of the subject. @default `[ERROR] Pipeline orders failed` */
  readonly subject?: string | undefined;
  /** Template of the text. @default what happened, where, since when, error, links */
  readonly text?: string | undefined;
  /** Template of the HTML; what comes from the event is escaped. @default the same as the text, readable */
  readonly html?: string | undefined;
  /** Paths of `html` whose values are HTML already and are put in as they are. */
  readonly htmlRaw?: readonly string[] | undefined;
  /**
   * Template of an address that the ready-made mail links to: `https://dash.example.com/runs/${runId}`. Values are encoded;
   * where one is missing there is no link.
   */
  readonly dashboardUrl?: string | undefined;
  /** Time zone of the times in the ready-made mail. @default "UTC" */
  readonly timeZone?: string | undefined;
  /** Template: mails with an equal value make one thread. @default the incident of the gate `alert` */
  readonly thread?: string | undefined;
  /** What filters tell these mails by (`List-Id`). @default `<hook>.<domain of from>` */
  readonly listId?: string | undefined;
  /** Headers to add. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Texts of errors that are longer go into an attachment; `false` attaches nothing. @default "16KiB" */
  readonly attachErrorOver?: string | false | undefined;
  /** Longest text and longest HTML, 8KiB or more. @default "200KiB" */
  readonly maxBody?: string | undefined;
  /** Signs each mail; several keys while they change. */
  readonly dkim?: EmailDkim | readonly EmailDkim[] | undefined;
}

export type EmailAddresses = string | readonly string[];

export interface EmailBySeverity {
  readonly critical?: EmailAddresses | undefined;
  readonly error?: EmailAddresses | undefined;
  readonly warning?: EmailAddresses | undefined;
  readonly info?: EmailAddresses | undefined;
}

export interface EmailDkim {
  /** The signing domain; receivers want it to be that of `from`. */
  readonly domain: string;
  /** The public key is at `<selector>._domainkey.<domain>`. */
  readonly selector: string;
  /** PEM of the RSA key. */
  readonly privateKey: string;
}

// Rules between options are checked also where a single option is wrong: all is reported at once.
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};

const template = z.string().superRefine(checkBy(compileTemplate));
const address = z.string().superRefine(
  checkBy((text) => {
    // Of a template nobody knows yet what it becomes.
    if (compileTemplate(text).references.length === 0) parseMailboxes(text);
  }),
);
const addresses = z.union([address, z.array(address).min(1)]);
const size = z.string().superRefine(checkBy(parseSize));
/** What the briefest mail fits in, whatever it is about. */
const fewestBodyBytes = 8192;
const bodySize = z.string().superRefine(checkBy(checkBodySize));
const label = /^[a-z\d_](?:[a-z\d_.-]*[a-z\d_])?$/i;
const key = z.strictObject({
  domain: z.string().regex(label, "is no domain").describe("The signing domain"),
  selector: z.string().regex(label, "is no selector").describe("Where its public key is"),
  privateKey: rsaKeyPem.describe("PEM of the RSA key"),
});

/** Checks {@link EmailOptions}; everything wrong is reported at once. */
export const emailOptions: z.ZodType<EmailOptions, EmailOptions> = z
  .strictObject({
    smtp: smtpOptions.optional().describe("The mail server"),
    ses: sesOptions.optional().describe("Amazon SES instead of a server"),
    from: z
      .string()
      .superRefine(checkBy(parseSingleMailbox))
      .describe("a@example.com or Name <a@example.com>"),
    to: addresses.optional().describe("Addresses; templates over the event"),
    cc: addresses.optional(),
    bcc: addresses.optional(),
    replyTo: addresses.optional(),
    toBySeverity: z
      .strictObject({
        critical: addresses.optional(),
        error: addresses.optional(),
        warning: addresses.optional(),
        info: addresses.optional(),
      })
      .optional()
      .describe("Who gets the mails of a severity, in place of to"),
    subject: template.min(1).optional().describe("Template of the subject"),
    text: template.min(1).optional().describe("Template of the text"),
    html: template.min(1).optional().describe("Template of the HTML; values are escaped"),
    htmlRaw: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("Paths of html whose values are put in as they are"),
    dashboardUrl: template.min(1).optional().describe("Template of an address to link to"),
    timeZone: z
      .string()
      .refine(isTimeZone, { message: 'is no time zone, such as "Europe/Paris"' })
      .optional()
      .describe("Default UTC"),
    thread: template.min(1).optional().describe("Template: equal values make one thread"),
    listId: z
      .string()
      .regex(/^[\w-]+(?:\.[\w-]+)+$/, 'is no list id, such as "alerts.example.com"')
      .optional()
      .describe("Default <hook>.<domain of from>"),
    headers: z
      .record(z.string(), z.string())
      .superRefine((headers, context) => {
        for (const { name, message } of findHeaderProblems(headers)) {
          context.addIssue({ code: "custom", path: [name], message });
        }
      })
      .optional()
      .describe("Headers to add"),
    attachErrorOver: z
      .union([size, z.literal(false)])
      .optional()
      .describe("Longer texts of errors are attached. Default 16KiB"),
    maxBody: bodySize.optional().describe("Longest text and longest HTML. Default 200KiB"),
    dkim: z
      .union([key, z.array(key).min(1)])
      .optional()
      .describe("Signs each mail"),
  })
  .superRefine((options, context) => {
    const add = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const { smtp, ses, to, cc, bcc, toBySeverity = {} } = options;
    if (smtp === undefined && ses === undefined) {
      add([], 'has no way to send; write "smtp" or "ses"');
    } else if (smtp !== undefined && ses !== undefined) {
      add(["ses"], 'stands beside "smtp"; write one of the two');
    }
    const others = Object.values(toBySeverity ?? {});
    if ([to, cc, bcc, ...others].every((each) => each === undefined)) {
      add(["to"], "is missing: nobody would get the mails");
    }
    for (const path of options.htmlRaw ?? []) {
      if (referencesOf(options.html).includes(path)) continue;
      add(["htmlRaw"], `names "${path}", which "html" does not read`);
    }
  }, always);

/** Options with every default filled in. */
export function toSettings(options: EmailOptions) {
  const from = parseSingleMailbox(options.from);
  return {
    ...options,
    from,
    domain: domainOf(from),
    smtp: options.smtp && toSmtpSettings(options.smtp),
    to: listOf(options.to),
    cc: listOf(options.cc),
    bcc: listOf(options.bcc),
    replyTo: listOf(options.replyTo),
    toBySeverity: bySeverity(options.toBySeverity),
    timeZone: options.timeZone ?? "UTC",
    attachErrorOver:
      options.attachErrorOver === false
        ? Number.POSITIVE_INFINITY
        : parseSize(options.attachErrorOver ?? "16KiB"),
    maxBody: parseSize(options.maxBody ?? "200KiB"),
    dkim: [options.dkim ?? []].flat() as readonly EmailDkim[],
  };
}

export type EmailSettings = ReturnType<typeof toSettings>;

function bySeverity(
  lists: EmailBySeverity | undefined,
): ReadonlyMap<Severity, readonly string[]> | undefined {
  if (lists === undefined) return undefined;
  const entries = Object.entries(lists).filter(([, list]) => list !== undefined);
  // The schema has no other keys.
  return new Map(entries.map(([name, list]) => [name.toUpperCase() as Severity, listOf(list)]));
}

/** In HTML a few thousand bytes stand around what is said. */
function checkBodySize(text: string): void {
  if (parseSize(text) < fewestBodyBytes)
    throw new Error("is less than 8KiB, which a short mail needs");
}

function listOf(addresses: EmailAddresses | undefined): readonly string[] {
  return addresses === undefined ? [] : [addresses].flat();
}

/** For rules that run before every type is known to be right. */
function referencesOf(html: unknown): readonly string[] {
  try {
    return compileTemplate(html as JsonValue).references.map(({ path }) => path);
  } catch {
    return [];
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
