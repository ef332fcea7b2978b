import { loadOptional } from "@pipehooks/core";
import type { SMTPPoolOptions } from "nodemailer";
import { toNodemailer } from "./nodemailer-message.ts";
import type { EmailDkim } from "./options.ts";
import { createSlots } from "./slots.ts";
import type { SmtpSettings } from "./smtp-options.ts";
import type { Refusal, Transport } from "./transport.ts";

/**
 * A pool of connections to a mail server. Mails wait outside of it, where they are durable: it never has more than it
 * has connections.
 */
export async function createSmtpTransport(
  settings: SmtpSettings,
  dkim: readonly EmailDkim[],
): Promise<Transport> {
  const { createTransport } = await loadOptional(
    "nodemailer",
    'The kind "email"',
    () => import("nodemailer"),
  );
  const { host, port, auth, pool } = settings;
  const transport = createTransport({ ...toPoolOptions(settings), dkim: { keys: toKeys(dkim) } });
  // What goes wrong with an idle connection is no mail's failure.
  transport.on("error", () => {});
  const slots = createSlots(pool.connections);

  return {
    async send(mail, addresses, signal) {
      using _slot = await slots.take(signal);
      const info = await transport.sendMail({ ...toNodemailer(mail, addresses), signal });
      return {
        accepted: info.accepted ?? [],
        refused: refusalsOf(info),
        response: info.response ?? "",
      };
    },
    async verify(signal) {
      const startedAt = performance.now();
      const aborted = Promise.withResolvers<never>();
      const onAbort = () => aborted.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        await Promise.race([transport.verify(), aborted.promise]);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
      const ms = Math.round(performance.now() - startedAt);
      const as = auth === undefined ? "without signing in" : `signed in as ${auth.user}`;
      return `${host}:${port} reached in ${ms} ms, ${as}; no mail was sent`;
    },
    async [Symbol.asyncDispose]() {
      transport.close({ force: true });
    },
  };
}

/** The refusals that stand in a result or in an error of nodemailer. */
export function refusalsOf(source: {
  readonly rejectedErrors?: readonly RejectedError[] | undefined;
}): readonly Refusal[] {
  return (source.rejectedErrors ?? []).map((error) => ({
    address: error.recipient ?? "",
    permanent: error.permanent ?? false,
    status: error.responseCode,
    response: error.response ?? error.message ?? "",
  }));
}

interface RejectedError {
  readonly message?: string | undefined;
  readonly recipient?: string | undefined;
  readonly permanent?: boolean | undefined;
  readonly responseCode?: number | undefined;
  readonly response?: string | undefined;
}

function toPoolOptions(settings: SmtpSettings): SMTPPoolOptions & { pool: true } {
  const { host, port, secure, requireTls, name, pool, timeouts, tls = {} } = settings;
  const { ca, cert, key, servername } = tls;
  return {
    pool: true,
    host,
    port,
    secure,
    requireTLS: requireTls,
    ...(name !== undefined && { name }),
    ...toAuth(settings),
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert, key }),
      ...(servername !== undefined && { servername }),
      minVersion: tls.minVersion ?? "TLSv1.2",
      rejectUnauthorized: tls.verify !== false,
    },
    maxConnections: pool.connections,
    maxMessages: pool.messages,
    idleTimeout: pool.idleMs,
    // Once more for a connection that the server had given up meanwhile; the rest is retried where it is durable.
    maxRequeues: 1,
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.socketMs,
    dnsTimeout: timeouts.dnsMs,
    socketCloseTimeout: 1_000,
    // A name that this machine alone knows is found, too.
    allowInternalNetworkInterfaces: true,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function toAuth({ auth, timeouts }: SmtpSettings): Pick<SMTPPoolOptions, "auth" | "authMethod"> {
  if (auth === undefined) return {};
  const { user, pass, method, oauth2 } = auth;
  if (oauth2 === undefined) {
    return {
      auth: { user, pass: pass ?? "" },
      ...(method !== undefined && { authMethod: method }),
    };
  }
  return { auth: { type: "OAuth2", user, ...oauth2, requestTimeout: timeouts.connectMs } };
}

function toKeys(dkim: readonly EmailDkim[]) {
  return dkim.map(({ domain, selector, privateKey }) => ({
    domainName: domain,
    keySelector: selector,
    privateKey,
  }));
}
