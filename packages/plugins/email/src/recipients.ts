import { hash } from "node:crypto";
import { domainToASCII } from "node:url";
import {
  compileTemplate,
  type Delivery,
  HookError,
  type JsonValue,
  messageOf,
  optionName,
  type Severity,
  type TemplateScope,
  toTemplateScope,
} from "@pipehooks/core";
import { type Mailbox, mostQuoted, parseMailboxes } from "./address.ts";
import { cutText } from "./headers.ts";
import type { EmailSettings } from "./options.ts";

/** Who a mail goes to, by the header they stand in. */
export interface Recipients {
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly bcc: readonly Mailbox[];
  readonly replyTo: readonly Mailbox[];
  /** Addresses to hand over, each once. */
  readonly addresses: readonly string[];
}

/** Compiles the addresses; they are read from the event at delivery. */
export function createRecipients(
  settings: Pick<EmailSettings, "to" | "cc" | "bcc" | "replyTo" | "toBySeverity">,
): (delivery: Delivery, told: readonly Severity[]) => Recipients {
  const to = compileList(settings.to, "to");
  const cc = compileList(settings.cc, "cc");
  const bcc = compileList(settings.bcc, "bcc");
  const replyTo = compileList(settings.replyTo, "replyTo");
  const lists = new Map(
    [...(settings.toBySeverity ?? [])].map(([severity, list]) => [
      severity,
      compileList(list, `toBySeverity.${severity.toLowerCase()}`),
    ]),
  );
  return (delivery, told) => {
    const scope = toTemplateScope(delivery);
    const readAll = (read: ReadList) => read(scope, delivery.hook);
    const chosen = new Set(told.map((severity) => lists.get(severity) ?? to));
    const main = unique([...chosen].flatMap(readAll));
    const others = { cc: readAll(cc), bcc: readAll(bcc) };
    const all = unique([...main, ...others.cc, ...others.bcc]);
    const addresses = all.map(({ address }) => address);
    return { to: main, ...others, replyTo: readAll(replyTo), addresses };
  };
}

/** What became of each address; what is not among them is still to be sent. Kept with the delivery. */
export interface Progress {
  /** Short hashes, so that the store keeps nobody's address. */
  readonly accepted: readonly string[];
  /** The same, with what the server said. */
  readonly refused: Readonly<Record<string, string>>;
}

/** What an earlier attempt left as the delivery's state. */
export function readProgress(state: JsonValue | undefined): Progress {
  // Only this kind writes it.
  const { accepted = [], refused = {} } = (state ?? {}) as unknown as Partial<Progress>;
  return { accepted, refused };
}

/** What stands for an address in the store. */
export function addressKey(address: string): string {
  const at = address.lastIndexOf("@");
  // Servers are given the domain in its ASCII form.
  const name = `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1))}`.toLowerCase();
  return hash("sha256", name, "base64url").slice(0, 16);
}

type ReadList = (scope: TemplateScope, hook: string) => readonly Mailbox[];

function compileList(texts: readonly string[], option: string): ReadList {
  const templates = texts.map((text) => compileTemplate(text));
  return (scope, hook) =>
    templates.flatMap((template) => {
      const value = template.render(scope);
      try {
        return readMailboxes(value);
      } catch (error) {
        const message = `${hook}: ${optionName(option)} ${messageOf(error)}.`;
        throw new HookError("REQUEST_INVALID", message);
      }
    });
}

/** Those of a text, or of each text of a list; none where there is nothing. */
function readMailboxes(value: JsonValue): readonly Mailbox[] {
  const texts = [value].flat().filter((each) => each !== null && each !== "");
  return texts.flatMap((text) => {
    if (typeof text === "string") return parseMailboxes(text);
    throw new Error(`became ${cutText(JSON.stringify(text), mostQuoted)}, no text`);
  });
}

function unique(mailboxes: readonly Mailbox[]): readonly Mailbox[] {
  const seen = new Set<string>();
  return mailboxes.filter(({ address }) => {
    const key = address.toLowerCase();
    return !seen.has(key) && seen.add(key);
  });
}
