import { messageOf } from "@pipehooks/core";
import { z } from "zod";

/** Rules between options are checked also where a single option is wrong: all is reported at once. */
export const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};

/** An address without a user in it. */
export const url = z.string().superRefine((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed?.protocol !== "https:" && parsed?.protocol !== "http:") {
    add(context, [], "is not an https URL, such as https://logs.example.com");
  } else if (parsed.username !== "" || parsed.password !== "") {
    add(context, [], "has a user or password in it");
  }
});
/** A text that is there and says something. */
export const given = z.string().min(1);
export const texts = z.record(z.string(), z.string());

/** Where to report what is wrong with options. */
export type IssueContext = {
  addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void;
};

export function add(context: IssueContext, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

/** Reports what parsing fails with. */
export function check(context: IssueContext, path: PropertyKey[], parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    add(context, path, messageOf(error));
  }
}

/** Whether an address is plain http, however that is written. */
export function isPlainHttp(address: unknown): boolean {
  return (
    typeof address === "string" && URL.canParse(address) && new URL(address).protocol === "http:"
  );
}

/** Plain http only where it is allowed. */
export function checkHttp(
  { endpoint, allowHttp }: { endpoint?: unknown; allowHttp?: unknown },
  context: IssueContext,
): void {
  if (isPlainHttp(endpoint) && allowHttp !== true) {
    add(context, ["endpoint"], 'is plain http; use https, or set "allowHttp"');
  }
}

/** Options of which either all are given or none. */
export function together(context: IssueContext, options: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(options);
  const missing = names.filter((name) => options[name] === undefined);
  if (missing.length === 0 || missing.length === names.length) return;
  const there = names.filter((name) => !missing.includes(name)).map((name) => `"${name}"`);
  for (const name of missing) add(context, [name], `is missing beside ${there.join(" and ")}`);
}
