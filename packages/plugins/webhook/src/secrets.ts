import { type JsonValue, type Redact, redactedMark } from "@pipehooks/core";
import { isSecretHeader } from "./headers.ts";
import type { WebhookOptions } from "./options.ts";
import { urlSecrets } from "./url-secrets.ts";

/** Every option value that must not appear anywhere, in the forms in which it travels. */
export function secretsOf(options: WebhookOptions): string[] {
  const { signing, auth, tls, headers = {}, proxy } = options;
  const keys = [signing?.secret, signing?.secrets, signing?.ed25519].flat();
  const secrets = [
    ...keys.flatMap((key) => (key === undefined ? [] : [key, key.replace(/^wh(?:sec|sk)_/, "")])),
    auth?.bearer,
    ...(auth?.basic === undefined ? [] : basicSecrets(auth.basic)),
    tls?.key,
    ...Object.entries(headers)
      .filter(([name]) => isSecretHeader(name))
      // "Bearer x" and "x" alike: answers may quote either.
      .flatMap(([, value]) => [value, withoutScheme(value)]),
    ...(proxy === undefined ? [] : proxySecrets(new URL(proxy))),
    ...urlSecrets(new URL(options.url)),
  ];
  return [
    ...new Set(secrets.filter((secret) => secret !== undefined && secret !== "")),
  ] as string[];
}

/** Every secret as an answer could quote it; `redact` knows more of them than the names of options tell. */
export function sentSecrets(options: WebhookOptions, redact: Redact): string[] {
  const { auth, headers = {}, payload = null } = options;
  const texts = [...Object.values(headers), ...textsOf(payload)].map(withoutScheme);
  return [
    ...secretsOf(options),
    ...(auth === undefined ? [] : [withoutScheme(authorizationOf(auth))]),
    ...texts.filter((text) => redact(text) === redactedMark),
  ];
}

/** The value of the Authorization header that `auth` asks for. */
export function authorizationOf(auth: NonNullable<WebhookOptions["auth"]>): string {
  const { basic, bearer = "" } = auth;
  if (basic === undefined) return `Bearer ${bearer}`;
  return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString("base64")}`;
}

function basicSecrets(basic: { username: string; password: string }): string[] {
  return [basic.password, `${basic.username}:${basic.password}`];
}

function proxySecrets({ username, password }: URL): string[] {
  if (username === "" && password === "") return [];
  const [user, word] = [decodeURIComponent(username), decodeURIComponent(password)];
  return [`${username}:${password}`, `${user}:${word}`, password, word];
}

/** `Bearer x` as `x`. */
function withoutScheme(value: string): string {
  return value.replace(/^\S+\s+/, "");
}

function textsOf(value: JsonValue): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}
