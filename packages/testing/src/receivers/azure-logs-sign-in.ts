import { randomBytes } from "node:crypto";
import type { HttpAnswer, ReceivedRequest } from "./http.ts";

/** A service principal that may sign in. */
export interface AzureSignIn {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const tokenSeconds = 3599;

/** Microsoft Entra ID, as far as a client with a secret needs it (OAuth 2.0 client credentials, OpenID Connect Discovery). */
export function answerSignIn(
  request: ReceivedRequest,
  {
    origin,
    signIn,
    tokens,
    now,
  }: {
    readonly origin: string;
    readonly signIn: AzureSignIn;
    /** Tokens that were given out, and until when they are good. */
    readonly tokens: Map<string, number>;
    readonly now: number;
  },
): HttpAnswer {
  const { pathname } = new URL(request.path, origin);
  const base = `${origin}/${signIn.tenantId}`;
  if (pathname === `/${signIn.tenantId}/v2.0/.well-known/openid-configuration`) {
    return json(200, {
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      tenant_region_scope: "EU",
    });
  }
  if (request.method !== "POST" || pathname !== `/${signIn.tenantId}/oauth2/v2.0/token`) {
    return refuse("invalid_tenant", "AADSTS90002: Tenant not found.");
  }
  const form = new URLSearchParams(request.text);
  if (form.get("client_id") !== signIn.clientId) {
    return refuse("unauthorized_client", "AADSTS700016: Application not found in the directory.");
  }
  if (form.get("client_secret") !== signIn.clientSecret) {
    return refuse("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401);
  }
  if (!/^https:\/\/monitor\.azure\.(?:com|us|cn)\/+\.default/.test(form.get("scope") ?? "")) {
    return refuse("invalid_scope", "AADSTS70011: The provided value for scope is not valid.");
  }
  const token = `test.${randomBytes(24).toString("base64url")}`;
  tokens.set(token, now + tokenSeconds * 1000);
  return json(200, {
    token_type: "Bearer",
    expires_in: tokenSeconds,
    ext_expires_in: tokenSeconds,
    access_token: token,
  });
}

function refuse(error: string, description: string, status = 400): HttpAnswer {
  return json(status, { error, error_description: description, error_codes: [], timestamp: "" });
}

function json(status: number, body: unknown): HttpAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
