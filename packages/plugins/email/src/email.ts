import {
  type Delivery,
  defineHook,
  delivered,
  fingerprint,
  type GivenAnswer,
  type Hook,
  type HookContext,
  HookError,
  type HookFactory,
  type Outcome,
  optionName,
  skipped,
} from "@pipehooks/core";
import { toFailure, type Where } from "./failure.ts";
import { createHandOver } from "./hand-over.ts";
import { createMessages, headersOf, type Mail } from "./message.ts";
import { type EmailOptions, type EmailSettings, emailOptions, toSettings } from "./options.ts";
import { isSignInStatus, judgeReply, signInError } from "./reply.ts";
import { secretsOf } from "./secrets.ts";
import { judgeSes } from "./ses-failure.ts";
import { createSesTransport } from "./ses-transport.ts";
import { createSmtpTransport } from "./smtp-transport.ts";
import { createToldMemory } from "./told.ts";
import type { Transport } from "./transport.ts";

/**
 * Mails events by SMTP or Amazon SES: readable without a template, threaded by incident, tried again for those alone whom a
 * mail did not reach. Follows RFC 5321, RFC 3463 and nodemailer 10 (nodemailer.com).
 * @throws HookError HOOK_OPTIONS_INVALID, PACKAGE_MISSING when the hook is made
 * @example
 * email({ smtp: { host: "smtp.example.com", auth: { user, pass } }, from: "pipelines@example.com", to: "team@example.com" })
 */
export const email: HookFactory<EmailOptions> = defineHook({
  name: "email",
  options: emailOptions,
  needs: ({ ses }) => ["nodemailer", ...(ses === undefined ? [] : ["@aws-sdk/client-sesv2"])],
  destination: (options) => destinationOf(toSettings(options)),
  secrets: secretsOf,
  templates: [
    ...["to", "cc", "bcc", "replyTo", "toBySeverity"],
    ...["subject", "text", "html", "dashboardUrl", "thread"],
  ],
  // Whoever has a mail shall not get it again by a replay.
  keepState: true,
  // A server that makes strangers wait wants minutes, and one that is down is down for hours.
  policy: {
    timeout: "60s",
    concurrency: 5,
    retry: { attempts: 30, base: "2m", factor: 2, cap: "1h", jitter: "equal", maxAge: "24h" },
  },
  async create(options, context) {
    const settings = toSettings(options);
    warnOf(settings, context);
    return createEmail(settings, context, await createTransport(settings));
  },
});

/** The hook over a transport that is ready. */
function createEmail(settings: EmailSettings, context: HookContext, transport: Transport): Hook {
  const { name, clock, redact } = context;
  const server = serverOf(settings);
  const where: Where = { hook: name, server, redact };
  const messages = createMessages(settings, () => clock.now());
  const told = createToldMemory({
    settings,
    threadOf: messages.threadOf,
    shared: (part) => context.shared(`email ${name} ${part}`),
  });
  const handOver = createHandOver({ transport, where, logger: context.logger });
  const usesSes = settings.ses !== undefined;

  return {
    async deliver(delivery) {
      const known = await told.read(delivery);
      const mail = messages.compose(delivery, known);
      if (mail.recipients.addresses.length === 0) return skipped(nobody(delivery));
      await told.begin(delivery, messages.severitiesFor(delivery, known));
      const { outcome, messageId } = await handOver(mail, delivery);
      await told.end(delivery, messageId);
      return outcome;
    },
    async render(delivery) {
      const mail = messages.compose(delivery, await told.read(delivery));
      return {
        target: redact(`${usesSes ? "SES" : "SMTP"} ${server}`),
        headers: redactAll(headersOf(mail), redact),
        body: bodyOf(mail, redact),
      };
    },
    answered: (answer, delivery) =>
      usesSes ? answeredBySes(answer, where) : answeredBySmtp(answer, delivery, where),
    async check(signal) {
      try {
        return { summary: `${await transport.verify(signal)}.` };
      } catch (error) {
        throw toFailure(error, where, signal);
      }
    },
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
    },
  };
}

function createTransport({ smtp, ses, dkim }: EmailSettings): Promise<Transport> {
  if (smtp !== undefined) return createSmtpTransport(smtp, dkim);
  return createSesTransport(ses ?? {}, dkim);
}

function warnOf({ smtp }: EmailSettings, { name, logger }: HookContext): void {
  if (smtp?.tls?.verify === false) {
    logger.warn(
      `${name}: "smtp.tls.verify" is off, so any certificate is taken and anybody on the way can read along.`,
    );
  }
  if (smtp?.allowPlain === true && !smtp.secure) {
    const what = smtp.auth === undefined ? "mails" : "mails and the password";
    logger.warn(
      `${name}: ${optionName("smtp.allowPlain")} is on, so ${what} travel unencrypted where the server offers no STARTTLS.`,
    );
  }
}

/** Hooks of one account share budget, pause and breaker. */
function destinationOf(settings: EmailSettings): string {
  const { smtp, ses } = settings;
  const user = smtp?.auth?.user ?? ses?.credentials?.accessKeyId;
  return user === undefined
    ? serverOf(settings)
    : `${serverOf(settings)}#${fingerprint("email", user)}`;
}

function serverOf({ smtp, ses }: EmailSettings): string {
  if (smtp !== undefined) return `${smtp.host}:${smtp.port}`;
  if (ses?.endpoint !== undefined) return new URL(ses.endpoint).host;
  return ses?.region === undefined ? "ses" : `email.${ses.region}.amazonaws.com`;
}

function nobody({ event }: Delivery): string {
  return `nobody gets mails of event ${event.id}: "to" is empty for it, and so are the others`;
}

function bodyOf({ text, html, attachments }: Mail, redact: HookContext["redact"]) {
  return {
    text: redact(text),
    html: redact(html),
    attachments: attachments.map(({ filename, content }) => ({
      filename,
      content: redact(content),
    })),
  };
}

function redactAll(
  headers: Readonly<Record<string, string>>,
  redact: HookContext["redact"],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([headerName, value]) => [headerName, redact(value)]),
  );
}

/** A reply to the whole mail: its code is the status, its words are the body. */
function answeredBySmtp({ status, body }: GivenAnswer, delivery: Delivery, where: Where): Outcome {
  const response = `${status}${typeof body === "string" ? ` ${body}` : ""}`;
  const answer = { status, body: response };
  if (status >= 200 && status < 400) return delivered(answer);
  const said = `${where.hook}: ${where.server} answered ${response} to event ${delivery.event.id}`;
  if (isSignInStatus(status)) throw signInError(said, 'Check "smtp.auth"', answer);
  const { permanent, scope } = judgeReply(status, response);
  if (permanent) throw new HookError("RECEIVER_REFUSED", `${said}.`, { answer });
  throw new HookError("RECEIVER_FAILED", `${said}.`, { retryable: true, scope, answer });
}

function answeredBySes({ status, headers, body }: GivenAnswer, { hook, server }: Where): Outcome {
  if (status >= 200 && status < 300) return delivered({ status });
  const name = headers["x-amzn-errortype"]?.split(":")[0] ?? "";
  const message = typeof body === "string" ? body : JSON.stringify(body);
  throw judgeSes({ hook, server, status, name, message });
}
