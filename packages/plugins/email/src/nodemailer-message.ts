import type { SendMailOptions } from "nodemailer";
import type { Mailbox } from "./address.ts";
import type { Mail } from "./message.ts";

/** A mail as nodemailer takes it. Everything in it is text: nothing names a file or an address to read from. */
export function toNodemailer(mail: Mail, addresses: readonly string[]): SendMailOptions {
  const { from, recipients, messageId, references, attachments } = mail;
  const [parent] = references;
  return {
    from: toAddress(from),
    to: recipients.to.map(toAddress),
    cc: recipients.cc.map(toAddress),
    replyTo: recipients.replyTo.map(toAddress),
    // Those of bcc are named here alone.
    envelope: { from: from.address, to: [...addresses] },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId,
    date: mail.date,
    ...(parent !== undefined && { inReplyTo: parent, references: [...references] }),
    headers: { ...mail.headers },
    attachments: attachments.map(({ filename, content }) => ({
      filename,
      content,
      contentType: "text/plain; charset=utf-8",
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function toAddress({ name, address }: Mailbox) {
  return { name: name ?? "", address };
}
