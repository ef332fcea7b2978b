import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { messageOf, parseDuration, policyShape } from "@pipehooks/core";
import { z } from "zod";

/** A mail server that is spoken to by SMTP. */
export interface SmtpOptions {
  /** Name or address of the server. */
  readonly host: string;
  /** @default 587, with `secure` 465 */
  readonly port?: number | undefined;
  /** TLS from the first byte, as on port 465; otherwise by STARTTLS. @default whether the port is 465 */
  readonly secure?: boolean | undefined;
  /** Lets mail and password travel unencrypted where the server offers no STARTTLS. @default false */
  readonly allowPlain?: boolean | undefined;
  readonly auth?: SmtpAuth | undefined;
  readonly tls?: SmtpTls | undefined;
  /** The name this machine gives itself (EHLO). @default its host name */
  readonly name?: string | undefined;
  readonly pool?: SmtpPool | undefined;
  readonly timeouts?: SmtpTimeouts | undefined;
}

/** `user` with `pass`, or with `oauth2`. */
export interface SmtpAuth {
  readonly user: string;
  readonly pass?: string | undefined;
  /** @default the strongest that the server offers */
  readonly method?: "PLAIN" | "LOGIN" | "CRAM-MD5" | undefined;
  readonly oauth2?: SmtpOAuth2 | undefined;
}

/** A token that is renewed (`refreshToken`), one that is made by a service's key (`serviceClient`), or one that is there. */
export interface SmtpOAuth2 {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly refreshToken?: string | undefined;
  /** Where tokens are had, https unless on this machine. @default Google's */
  readonly accessUrl?: string | undefined;
  readonly accessToken?: string | undefined;
  /** Id of a service account, which signs its requests with `privateKey`. */
  readonly serviceClient?: string | undefined;
  /** PEM of the service account's key. */
  readonly privateKey?: string | undefined;
  readonly scope?: string | undefined;
}

export interface SmtpTls {
  /** PEM of the certificates to trust, instead of the system's. */
  readonly ca?: string | undefined;
  /** PEM of the client certificate, with its chain. */
  readonly cert?: string | undefined;
  /** PEM of the client certificate's key. */
  readonly key?: string | undefined;
  /** The name that the server's certificate must have. @default `host` */
  readonly servername?: string | undefined;
  /** @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** `false` takes any certificate, and warns each time the hook is made. @default true */
  readonly verify?: boolean | undefined;
}

export interface SmtpPool {
  /** Connections at a time; no more mails than that are on their way. @default 5 */
  readonly connections?: number | undefined;
  /** Mails over one connection before another one is opened. @default 100 */
  readonly messages?: number | undefined;
  /** How long a connection is kept without a mail. @default "20s" */
  readonly idle?: string | undefined;
}

export interface SmtpTimeouts {
  /** For the connection, TLS included. @default "10s" */
  readonly connect?: string | undefined;
  /** For the server's first line. @default "10s" */
  readonly greeting?: string | undefined;
  /** For each answer. @default "30s" */
  readonly socket?: string | undefined;
  /** For finding the address. @default "5s" */
  readonly dns?: string | undefined;
}

type Context = { addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void };

const duration = policyShape.timeout;
const visible = z.string().regex(/^[\x21-\x7e]+$/, "is empty or has more than visible ASCII");

/** A PEM text that can be read; the reader's own message could quote the key. */
function pem(kind: string, parse: (text: string) => unknown): z.ZodType<string, string> {
  return z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch {
      context.addIssue({ code: "custom", path: [], message: `is not the PEM text of ${kind}` });
    }
  });
}

const privateKeyPem = pem("an unencrypted private key", createPrivateKey);
/** PEM of a private key for DKIM: mails are signed by RSA alone, and by another kind they would go out unsigned. */
export const rsaKeyPem: z.ZodType<string, string> = privateKeyPem.superRefine((text, context) => {
  const kind = keyKindOf(text);
  if (kind === undefined || kind === "rsa") return;
  add(context, [], `is a key of the kind ${kind}, and mails are signed by RSA keys alone`);
});
const certificatePem = pem("a certificate", parseCertificate);

const oauth2 = z
  .strictObject({
    clientId: z.string().min(1).optional(),
    clientSecret: z.string().min(1).optional(),
    refreshToken: z.string().min(1).optional(),
    accessUrl: z.string().superRefine(checkAccessUrl).optional().describe("Where tokens are had"),
    accessToken: z.string().min(1).optional(),
    serviceClient: z.string().min(1).optional().describe("Id of a service account"),
    privateKey: privateKeyPem.optional().describe("PEM of the service account's key"),
    scope: z.string().min(1).optional(),
  })
  .superRefine((value, context) => {
    const { clientId, clientSecret, refreshToken, accessToken, serviceClient, privateKey } = value;
    if (refreshToken !== undefined) {
      if (clientId === undefined) add(context, ["clientId"], 'is missing beside "refreshToken"');
      if (clientSecret === undefined) {
        add(context, ["clientSecret"], 'is missing beside "refreshToken"');
      }
    } else if (serviceClient !== undefined) {
      if (privateKey === undefined)
        add(context, ["privateKey"], 'is missing beside "serviceClient"');
    } else if (accessToken === undefined) {
      add(context, [], 'has no token; write "refreshToken", "serviceClient" or "accessToken"');
    }
  });

const auth = z
  .strictObject({
    user: z.string().min(1).describe("User name"),
    pass: z.string().min(1).optional().describe("Password"),
    method: z.enum(["PLAIN", "LOGIN", "CRAM-MD5"]).optional(),
    oauth2: oauth2.optional().describe("Token instead of a password"),
  })
  .superRefine(({ pass, oauth2, method }, context) => {
    if ((pass === undefined) === (oauth2 === undefined)) {
      add(context, [], 'needs one of "pass" and "oauth2"');
    }
    if (oauth2 !== undefined && method !== undefined) {
      add(context, ["method"], 'is not used beside "oauth2", which is always XOAUTH2');
    }
  });

const tls = z
  .strictObject({
    ca: certificatePem.optional().describe("PEM of certificates to trust"),
    cert: certificatePem.optional().describe("PEM of the client certificate"),
    key: privateKeyPem.optional().describe("PEM of its key"),
    servername: visible.optional().describe("Name that the server's certificate must have"),
    minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).optional().describe("Default TLSv1.2"),
    verify: z.boolean().optional().describe("false takes any certificate. Default true"),
  })
  .superRefine(({ cert, key }, context) => {
    if (cert !== undefined && key === undefined) add(context, ["key"], 'is missing beside "cert"');
    if (key !== undefined && cert === undefined) add(context, ["cert"], 'is missing beside "key"');
  });

/** Checks {@link SmtpOptions}. */
export const smtpOptions: z.ZodType<SmtpOptions, SmtpOptions> = z.strictObject({
  host: z
    .string()
    .refine(
      (text) => isIP(text) > 0 || /^[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?$/u.test(text),
      {
        message: 'is no host; write a name or an address alone, and the port under "port"',
      },
    )
    .describe("Name or address of the server"),
  port: z.int().min(1).max(65_535).optional().describe("Default 587, with secure 465"),
  secure: z.boolean().optional().describe("TLS from the first byte. Default: whether port is 465"),
  allowPlain: z.boolean().optional().describe("Go on without TLS. Default false"),
  auth: auth.optional(),
  tls: tls.optional(),
  name: visible.optional().describe("Name in EHLO. Default: the machine's"),
  pool: z
    .strictObject({
      connections: z.int().min(1).max(100).optional().describe("Default 5"),
      messages: z.int().min(1).optional().describe("Mails over one connection. Default 100"),
      idle: duration.describe("How long one is kept without a mail. Default 20s"),
    })
    .optional(),
  timeouts: z
    .strictObject({
      connect: duration.describe("Default 10s"),
      greeting: duration.describe("Default 10s"),
      socket: duration.describe("For each answer. Default 30s"),
      dns: duration.describe("Default 5s"),
    })
    .optional(),
});

/** {@link SmtpOptions} with every default filled in. */
export function toSmtpSettings(options: SmtpOptions) {
  const { pool = {}, timeouts = {} } = options;
  const secure = options.secure ?? options.port === 465;
  return {
    ...options,
    secure,
    port: options.port ?? (secure ? 465 : 587),
    // Nobody stands between two programs of one machine.
    requireTls: !secure && options.allowPlain !== true && !isLoopback(options.host),
    pool: {
      connections: pool.connections ?? 5,
      messages: pool.messages ?? 100,
      idleMs: parseDuration(pool.idle ?? "20s"),
    },
    // Nodemailer's own ones (two minutes, half a minute, ten minutes) are far too long for an alert.
    timeouts: {
      connectMs: parseDuration(timeouts.connect ?? "10s"),
      greetingMs: parseDuration(timeouts.greeting ?? "10s"),
      socketMs: parseDuration(timeouts.socket ?? "30s"),
      dnsMs: parseDuration(timeouts.dns ?? "5s"),
    },
  };
}

export type SmtpSettings = ReturnType<typeof toSmtpSettings>;

/** Whether a host is this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

function checkAccessUrl(text: string, context: Context): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.protocol === "http:" && isLoopback(url.hostname);
  if (url?.protocol !== "https:" && !plain) add(context, [], "is not an https URL");
}

/** Undefined where it is no key, which is said already. */
function keyKindOf(text: string): string | undefined {
  try {
    return createPrivateKey(text).asymmetricKeyType;
  } catch {
    return undefined;
  }
}

function parseCertificate(text: string): X509Certificate {
  return new X509Certificate(text);
}

function add(context: Context, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

/** Reports what a reader says against a text. */
export function checkBy(
  parse: (text: string) => unknown,
): (text: string, context: Context) => void {
  return (text, context) => {
    try {
      parse(text);
    } catch (error) {
      add(context, [], messageOf(error));
    }
  };
}
