import { isSecretHeader } from "./headers.ts";
import type { WebhookOptions } from "./options.ts";

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
      .flatMap(([, value]) => [value, value.replace(/^\S+\s+/, "")]),
    ...(proxy === undefined ? [] : proxySecrets(new URL(proxy))),
    ...urlSecrets(new URL(options.url)),
  ];
  return [
    ...new Set(secrets.filter((secret) => secret !== undefined && secret !== "")),
  ] as string[];
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

/** Many receivers put their key into the path or the query; what looks like one counts as one. */
function urlSecrets({ pathname, searchParams }: URL): string[] {
  const segments = pathname.split("/").filter((segment) => /^(?=.*\d)[\w.~-]{16,}$/.test(segment));
  return [...segments, ...[...searchParams.values()].filter((value) => value.length >= 8)];
}
