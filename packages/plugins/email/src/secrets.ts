import type { EmailOptions } from "./options.ts";

/** Every option value that must not appear anywhere. */
export function secretsOf({ smtp, ses, dkim, headers = {} }: EmailOptions): string[] {
  const { auth, tls } = smtp ?? {};
  const { pass, oauth2 } = auth ?? {};
  const { credentials } = ses ?? {};
  const secrets = [
    pass,
    oauth2?.clientSecret,
    oauth2?.refreshToken,
    oauth2?.accessToken,
    ...pemParts(oauth2?.privateKey),
    ...pemParts(tls?.key),
    ...[dkim ?? []].flat().flatMap(({ privateKey }) => pemParts(privateKey)),
    credentials?.secretAccessKey,
    credentials?.sessionToken,
    ...Object.entries(headers)
      .filter(([name]) => /auth|token|secret|password|api-?key/i.test(name))
      .map(([, value]) => value),
  ];
  return [
    ...new Set(secrets.filter((secret) => secret !== undefined && secret !== "")),
  ] as string[];
}

/** A key as it is written, and each of its lines. */
function pemParts(pem: string | undefined): readonly string[] {
  if (pem === undefined) return [];
  const lines = pem.split("\n").map((line) => line.trim());
  return [pem, ...lines.filter((line) => line.length >= 16 && !line.startsWith("-----"))];
}
