import { compileTemplate, fingerprint, type JsonValue, messageOf } from "@pipehooks/core";
import { compileLink, type MakeLink } from "@pipehooks/core/messages";
import { type TargetOptions, targetShape } from "@pipehooks/core/targets";
import { z } from "zod";

/** What every kind of this package takes. */
export interface AlertOptions extends TargetOptions {
  /**
   * Address of a dashboard, a template over the event: `https://dash.example.com/runs/${runId}`. Values are encoded; where
   * one is missing there is no link.
   */
  readonly dashboardUrl?: string | undefined;
}

/** A value for each severity, or for some of them. */
export interface BySeverity<Value> {
  readonly info?: Value | undefined;
  readonly warning?: Value | undefined;
  readonly error?: Value | undefined;
  readonly critical?: Value | undefined;
}

/** Where to report what is wrong with options. */
export type IssueContext = {
  addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void;
};

export function report(context: IssueContext, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

/** Rules between options are checked also where a single option is wrong: all is reported at once. */
export const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};

/** One text that may read the event. */
export const template = z.string().superRefine(checkTemplate);
/** JSON whose texts may read the event. */
export const jsonTemplate = z.record(z.string(), z.json()).superRefine(checkTemplate);
/** A token or key as it stands in a header or a body. */
export const visible = z
  .string()
  .regex(/^[\x21-\x7e]+$/, "is empty or has more than visible ASCII");

export const alertShape = {
  dashboardUrl: template
    .min(1)
    .optional()
    .describe("Address of a dashboard, a template over the event"),
  ...targetShape,
};

/** Names of {@link alertShape} that are templates. */
export const alertTemplates: readonly string[] = ["dashboardUrl"];

export function bySeverity<Value extends z.ZodType>(value: Value) {
  return z.strictObject({
    info: value.optional(),
    warning: value.optional(),
    error: value.optional(),
    critical: value.optional(),
  });
}

function checkTemplate(value: JsonValue, context: IssueContext): void {
  try {
    compileTemplate(value);
  } catch (error) {
    report(context, [], messageOf(error));
  }
}

/** The address under a name: absolute, without a user in it, and https unless something else is allowed. */
export function checkAddress(options: object, name: string, context: IssueContext): void {
  const text: unknown = Reflect.get(options, name);
  if (typeof text !== "string") return;
  if (!URL.canParse(text)) {
    report(context, [name], "is not an absolute URL");
    return;
  }
  const { protocol, username, password } = new URL(text);
  const isOpen = ["allowHttp", "allowPrivate"].some((key) => Reflect.get(options, key) === true);
  if (protocol !== "https:" && !(protocol === "http:" && isOpen)) {
    report(
      context,
      [name],
      'is not https, and its secret must not travel in the open (or set "allowHttp")',
    );
  }
  if (username !== "" || password !== "") report(context, [name], "has a user or password in it");
}

/** The address of an API: {@link checkAddress}, without a query. */
export function checkApiAddress(options: object, context: IssueContext): void {
  checkAddress(options, "apiUrl", context);
  const text: unknown = Reflect.get(options, "apiUrl");
  if (typeof text === "string" && /[?#]/.test(text)) {
    report(context, ["apiUrl"], "has a query; write the address before it");
  }
}

/** The dashboard's address, compiled. */
export function toDashboard({ dashboardUrl }: AlertOptions): MakeLink | undefined {
  return dashboardUrl === undefined ? undefined : compileLink(dashboardUrl);
}

/**
 * Where an address leads to for whoever has the secret, with nothing of it shown: hooks with an equal one share budget and
 * pause. A webhook's address is its own secret.
 */
export function destinationOf(url: string, secret: string = url): string {
  return `${new URL(url).host}#${fingerprint("alerts", secret)}`;
}

/** Everything in a webhook's address that opens the channel, in the forms in which it travels. */
export function addressSecrets(text: string): string[] {
  if (!URL.canParse(text)) return [text];
  const { pathname, search, searchParams, href } = new URL(text);
  const segments = pathname.split("/").filter((segment) => segment.length >= 16);
  const values = [...searchParams].flatMap(([name, value]) =>
    /^(?:sig|token|key|code|secret)$/i.test(name) || value.length >= 24 ? [value] : [],
  );
  const raw = search
    .slice(1)
    .split("&")
    .map((pair) => pair.slice(pair.indexOf("=") + 1))
    .filter((value) => values.includes(decoded(value)));
  const path = pathname.length > 8 ? [`${pathname}${search}`, pathname] : [];
  return [...new Set([text, href, ...path, ...segments, ...values, ...raw])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
