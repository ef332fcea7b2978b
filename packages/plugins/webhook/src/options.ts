import { createPrivateKey, X509Certificate } from "node:crypto";
import { compileTemplate, type JsonValue, messageOf } from "@pipehooks/core";
import { type TargetOptions, targetShape } from "@pipehooks/core/targets";
import { z } from "zod";
import { findHeaderProblems } from "./headers.ts";
import { parsePrivateKey, parseSecret } from "./keys.ts";

export interface WebhookOptions extends TargetOptions {
  /** Where to post: an absolute URL, https unless http is allowed, without user and password. */
  readonly url: string;
  /** @default "POST" */
  readonly method?: "POST" | "PUT" | "PATCH" | undefined;
  /** Headers to add. What frames or signs the message is refused. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Template of the body: JSON whose strings may hold `${path}`, or one text. */
  readonly payload?: JsonValue | undefined;
  /**
   * `event`: `{ type, timestamp, data: <the event> }`; `template`: `payload` filled in; `cloudevents`: CloudEvents
   * 1.0 in structured mode; `cloudevents-binary`: attributes in headers, which a signature does not cover.
   * @default "template" with `payload`, else "event"
   */
  readonly format?: "event" | "template" | "cloudevents" | "cloudevents-binary" | undefined;
  /** Signs as Standard Webhooks 1.0.0 says; the id and the time of the attempt are sent with or without it. */
  readonly signing?: WebhookSigning | undefined;
  readonly auth?: WebhookAuth | undefined;
  readonly tls?: WebhookTls | undefined;
  /** URL of an http or https forward proxy, with user and password if it wants them. */
  readonly proxy?: string | undefined;
  /** Sends the body with gzip. The signature covers the compressed bytes. @default false */
  readonly compress?: boolean | undefined;
  /**
   * Answers that mean something else here than usual: a status or a class to what it means, such as
   * `{ "404": "retry", "409": "delivered" }`. `disable` also switches the hook off.
   */
  readonly statuses?: Readonly<Record<string, StatusMeaning>> | undefined;
}

export type StatusMeaning = "delivered" | "retry" | "permanent" | "disable";

export interface WebhookSigning {
  /** `whsec_` + base64 of 24 to 64 bytes. */
  readonly secret?: string | undefined;
  /** Several while keys change, the current one first. */
  readonly secrets?: readonly string[] | undefined;
  /** Ed25519 key, `whsk_` + base64 of the seed (and public key); several while keys change. */
  readonly ed25519?: string | readonly string[] | undefined;
}

/** One of the two. */
export interface WebhookAuth {
  readonly basic?: { readonly username: string; readonly password: string } | undefined;
  readonly bearer?: string | undefined;
}

export interface WebhookTls {
  /** PEM of the certificates to trust, instead of the system's. */
  readonly ca?: string | undefined;
  /** PEM of the client certificate, with its chain. */
  readonly cert?: string | undefined;
  /** PEM of the client certificate's key. */
  readonly key?: string | undefined;
  /** `false` takes any certificate, and warns each time the hook is made. @default true */
  readonly verify?: boolean | undefined;
}

// Rules between options are checked also where a single option is wrong: all is reported at once.
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};
/** Verifiers look at no more entries than this. */
const mostKeys = 8;

const secret = z.string().superRefine((text, context) => check(context, () => parseSecret(text)));
const privateKey = z
  .string()
  .superRefine((text, context) => check(context, () => parsePrivateKey(text)));
const visible = z.string().regex(/^[\x21-\x7e]+$/, "is empty or has more than visible ASCII");
const pem = (kind: string, parse: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    check(context, () => {
      try {
        parse(text);
      } catch {
        // The parser's own message could quote the key.
        throw new Error(`is not the PEM text of ${kind}`);
      }
    });
  });

const signing = z
  .strictObject({
    secret: secret.optional().describe("whsec_ + base64 of 24 to 64 bytes"),
    secrets: z.array(secret).min(1).max(mostKeys).optional().describe("Current one first"),
    ed25519: z
      .union([privateKey, z.array(privateKey).min(1).max(mostKeys)])
      .optional()
      .describe("whsk_ + base64 of the seed"),
  })
  .superRefine((value, context) => {
    const { secret, secrets, ed25519 } = value;
    const count = [secret, secrets, ed25519].flat().filter((key) => key !== undefined).length;
    if (secret !== undefined && secrets !== undefined) {
      add(context, ["secrets"], 'stands beside "secret"; write one of the two');
    } else if (count === 0) {
      add(context, [], 'has no key; write "secret", "secrets" or "ed25519"');
    } else if (count > mostKeys) {
      add(context, [], `has ${count} keys; receivers look at ${mostKeys}`);
    }
  });

const auth = z
  .strictObject({
    basic: z
      .strictObject({
        username: z
          .string()
          .regex(/^[^:]*$/, "has a colon, which basic authentication cannot carry"),
        password: z.string(),
      })
      .optional(),
    bearer: visible.optional(),
  })
  .superRefine(({ basic, bearer }, context) => {
    if ((basic === undefined) === (bearer === undefined)) {
      add(context, [], 'needs one of "basic" and "bearer"');
    }
  });

const tls = z
  .strictObject({
    ca: pem("a certificate", parseCertificate).optional().describe("PEM of certificates to trust"),
    cert: pem("a certificate", parseCertificate)
      .optional()
      .describe("PEM of the client certificate"),
    key: pem("an unencrypted private key", createPrivateKey).optional().describe("PEM of its key"),
    verify: z.boolean().optional().describe("false takes any certificate. Default true"),
  })
  .superRefine(({ cert, key }, context) => {
    if (cert !== undefined && key === undefined) add(context, ["key"], 'is missing beside "cert"');
    if (key !== undefined && cert === undefined) add(context, ["cert"], 'is missing beside "key"');
    if (cert === undefined || key === undefined) return;
    if (isPair(cert, key) === false) add(context, ["key"], 'does not belong to "cert"');
  });

/** Checks {@link WebhookOptions}; everything wrong is reported at once. */
export const webhookOptions: z.ZodType<WebhookOptions, WebhookOptions> = z
  .strictObject({
    url: z.string().superRefine(checkUrl).describe("Where to post: an absolute https URL"),
    method: z.enum(["POST", "PUT", "PATCH"]).optional().describe("Default POST"),
    headers: z
      .record(z.string(), z.string())
      .superRefine((headers, context) => {
        for (const { name, message } of findHeaderProblems(headers)) add(context, [name], message);
      })
      .optional()
      .describe("Headers to add"),
    payload: z
      .json()
      .superRefine((value, context) => check(context, () => compileTemplate(value)))
      .optional()
      .describe("Template of the body"),
    format: z
      .enum(["event", "template", "cloudevents", "cloudevents-binary"])
      .optional()
      .describe("What the body is. Default template with payload, else event"),
    signing: signing.optional().describe("Standard Webhooks signature"),
    auth: auth.optional().describe("Authorization header: { basic } or { bearer }"),
    tls: tls.optional(),
    proxy: z.string().superRefine(checkProxy).optional().describe("URL of an HTTP forward proxy"),
    compress: z.boolean().optional().describe("Send the body with gzip. Default false"),
    ...targetShape,
    statuses: z
      .record(
        z.string().regex(/^[45](?:\d\d|xx)$/, 'is no failure status, such as "404" or "5xx"'),
        z.enum(["delivered", "retry", "permanent", "disable"]),
      )
      .optional()
      .describe("What a status or a class of them means here"),
  })
  .superRefine((options, context) => {
    const { payload, auth, allowHttp, allowPrivate } = options;
    const format = textOf(options.format);
    const url = URL.canParse(textOf(options.url)) ? new URL(options.url) : undefined;
    if (url?.protocol === "http:" && allowHttp !== true && allowPrivate !== true) {
      add(context, ["url"], 'is plain http; use https, or set "allowHttp" (or "allowPrivate")');
    }
    if (format === "template" && payload === undefined) {
      add(context, ["payload"], 'is missing, which the format "template" fills in');
    }
    if (payload !== undefined && format !== "" && format !== "template") {
      add(context, ["payload"], `is not used by the format "${format}"; leave one of the two out`);
    }
    for (const name of Object.keys(options.headers ?? {})) {
      const lower = name.toLowerCase();
      if (lower === "authorization" && auth !== undefined) {
        add(context, ["headers", name], 'stands beside "auth"; write one of the two');
      }
      if (format.startsWith("cloudevents") && /^(?:content-type$|ce-)/.test(lower)) {
        add(context, ["headers", name], `is set by the format "${format}"`);
      }
    }
    const secure = url?.protocol === "https:" || textOf(options.proxy).startsWith("https:");
    if (options.tls !== undefined && url !== undefined && !secure) {
      add(context, ["tls"], "is not used by a plain http url");
    }
  }, always);

type Context = { addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void };

function add(context: Context, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

function check(context: Context, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    add(context, [], messageOf(error));
  }
}

/** For rules that run before every type is known to be right. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Undefined where one of the two cannot be read, which is reported where it stands. */
function isPair(cert: string, key: string): boolean | undefined {
  try {
    return parseCertificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return undefined;
  }
}

function parseCertificate(text: string): X509Certificate {
  return new X509Certificate(text);
}

function checkUrl(text: string, context: Context): void {
  if (!URL.canParse(text)) {
    add(context, [], "is not an absolute URL");
    return;
  }
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    add(context, [], `has the scheme "${url.protocol}"; only https and http are spoken`);
  }
  if (url.username !== "" || url.password !== "") {
    add(context, [], 'has a user or password in it; write them under "auth"');
  }
}

function checkProxy(text: string, context: Context): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    add(context, [], "is not the http or https URL of a proxy");
    return;
  }
  try {
    decodeURIComponent(`${url.username}:${url.password}`);
  } catch {
    add(context, [], 'has a "%" in its user or password that encodes nothing; write "%25" for it');
  }
}
