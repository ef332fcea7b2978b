import { loadOptional } from "@pipehooks/core";
import { toNodemailer } from "./nodemailer-message.ts";
import type { EmailDkim } from "./options.ts";
import type { SesOptions } from "./ses-options.ts";
import type { Transport } from "./transport.ts";

const connectTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;

/** What the API says of a mail that is made to be refused: it was reached, and the credentials are good. */
const refusedAsMeant = new Set([
  "BadRequestException",
  "MessageRejected",
  "MailFromDomainNotVerifiedException",
]);

/** Amazon SES by its API, version 2: the whole mail goes in one request. */
export async function createSesTransport(
  settings: SesOptions,
  dkim: readonly EmailDkim[],
): Promise<Transport> {
  const { createTransport } = await loadOptional(
    "nodemailer",
    'The kind "email"',
    () => import("nodemailer"),
  );
  const { SESv2Client, SendEmailCommand } = await loadOptional(
    "@aws-sdk/client-sesv2",
    'The kind "email" with "ses"',
    () => import("@aws-sdk/client-sesv2"),
  );
  const { region, credentials, endpoint, configurationSet, tags = {} } = settings;
  const client = new SESv2Client({
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials: toCredentials(credentials) }),
    ...(endpoint !== undefined && { endpoint }),
    // Retries are made where they are durable; those of the client could send a mail twice.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // By itself `requestTimeout` only warns and goes on waiting.
      throwOnRequestTimeout: true,
    },
  });
  const ses = {
    ...(configurationSet !== undefined && { ConfigurationSetName: configurationSet }),
    EmailTags: Object.entries(tags).map(([Name, Value]) => ({ Name, Value })),
  };
  // The transport hands no signal on, so each mail has one whose client does.
  const transportWith = (abortSignal: AbortSignal) =>
    createTransport({
      SES: {
        sesClient: {
          config: { region: () => Promise.resolve(client.config.region()) },
          send: (command: unknown) =>
            // It is what `SendEmailCommand` below made.
            client.send(command as InstanceType<typeof SendEmailCommand>, { abortSignal }),
        },
        SendEmailCommand,
      },
      dkim: {
        keys: dkim.map(({ domain, selector, privateKey }) => ({
          domainName: domain,
          keySelector: selector,
          privateKey,
        })),
      },
      disableFileAccess: true,
      disableUrlAccess: true,
    });

  return {
    async send(mail, addresses, signal) {
      const transport = transportWith(signal);
      const info = await transport.sendMail({ ...toNodemailer(mail, addresses), ses, signal });
      return {
        accepted: addresses,
        refused: [],
        response: info.response,
        messageId: info.messageId,
      };
    },
    async verify(signal) {
      const startedAt = performance.now();
      await transportWith(signal)
        .verify()
        .catch((error: unknown) => {
          if (!refusedAsMeant.has(String(Reflect.get(Object(error), "name")))) throw error;
        });
      const ms = Math.round(performance.now() - startedAt);
      return `SES in ${await client.config.region()} reached in ${ms} ms, credentials are good; no mail was sent`;
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

function toCredentials({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: NonNullable<SesOptions["credentials"]>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}
