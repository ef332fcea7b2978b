import { compileText, type Delivery, type Severity, toTemplateScope } from "@pipehooks/core";
import { toMessage } from "@pipehooks/core/messages";
import { formatMailbox, type Mailbox } from "./address.ts";
import { type Content, createContent } from "./content.ts";
import { toHeaderText } from "./headers.ts";
import type { EmailSettings } from "./options.ts";
import { createRecipients, type Recipients } from "./recipients.ts";
import { incidentThread, messageIdOf, namedThread, type Thread } from "./thread.ts";
import type { Told } from "./told.ts";

/** A mail, ready to be handed over. */
export interface Mail extends Content {
  readonly from: Mailbox;
  readonly recipients: Recipients;
  readonly messageId: string;
  /** Message-IDs of what it belongs to, the oldest first. */
  readonly references: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly date: Date;
}

/** Makes mails of deliveries; nothing is read from outside. */
export interface Messages {
  threadOf(delivery: Delivery): Thread | undefined;
  /** Of which severities somebody is to be told. */
  severitiesFor(delivery: Delivery, told: Told): readonly Severity[];
  /** @throws HookError TEMPLATE_FIELD_MISSING, REQUEST_INVALID */
  compose(delivery: Delivery, told: Told): Mail;
}

export function createMessages(settings: EmailSettings, now: () => number): Messages {
  const { from, domain, headers = {} } = settings;
  const content = createContent(settings);
  const recipients = createRecipients(settings);
  const thread = settings.thread === undefined ? undefined : compileText(settings.thread);

  const threadOf = (delivery: Delivery): Thread | undefined => {
    if (thread === undefined) return incidentThread(delivery, domain);
    const value = thread.render(toTemplateScope(delivery));
    return value === "" ? undefined : namedThread(delivery.hook, value, domain);
  };

  // Who was told of a failure is told of its end.
  const severitiesFor = (delivery: Delivery, told: Told): readonly Severity[] => {
    if (delivery.alert?.state === "resolved") {
      return told.severities.length > 0 ? told.severities : ["ERROR"];
    }
    const { severity } = toMessage(delivery);
    return delivery.alert === undefined ? [severity] : [...told.severities, severity];
  };

  return {
    threadOf,
    severitiesFor,
    compose(delivery, told) {
      const { event, hook, since } = delivery;
      const belongs = threadOf(delivery);
      const to = recipients(delivery, severitiesFor(delivery, told));
      // The same on every attempt, as the id is.
      const date = new Date(since ?? now());
      return {
        ...content(delivery),
        from,
        recipients: to,
        messageId: belongs?.first === true ? belongs.root : messageIdOf(delivery, domain),
        references: belongs === undefined || belongs.first ? [] : referencesOf(belongs, told),
        headers: {
          ...headers,
          "Auto-Submitted": "auto-generated",
          "X-Auto-Response-Suppress": "All",
          "List-Id": `<${settings.listId ?? listIdOf(hook, domain)}>`,
          "X-Event-Id": toHeaderText(event.id),
          ...(event.pipeline !== undefined && { "X-Pipeline": toHeaderText(event.pipeline) }),
        },
        date,
      };
    },
  };
}

/** The headers of a mail as people read them, by names in lower case. */
export function headersOf(mail: Mail): Record<string, string> {
  const { from, recipients, subject, messageId, references, headers, date } = mail;
  const list = (mailboxes: readonly Mailbox[]) => mailboxes.map(formatMailbox).join(", ");
  const entries: [string, string][] = [
    ["from", formatMailbox(from)],
    ["to", list(recipients.to)],
    ["cc", list(recipients.cc)],
    // Not in the mail itself; who gets it belongs to what is shown.
    ["bcc", list(recipients.bcc)],
    ["reply-to", list(recipients.replyTo)],
    ["subject", subject],
    ["date", date.toUTCString()],
    ["message-id", messageId],
    ["in-reply-to", references[0] ?? ""],
    ["references", references.join(" ")],
    ...Object.entries(headers).map(([name, value]): [string, string] => [
      name.toLowerCase(),
      value,
    ]),
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

function referencesOf({ root }: Thread, { messageId }: Told): readonly string[] {
  return messageId === undefined ? [root] : [messageId, root];
}

function listIdOf(hook: string, domain: string): string {
  return `${hook.replace(/[^\w.-]+/g, "-")}.${domain}`;
}
