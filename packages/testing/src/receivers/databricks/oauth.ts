import { randomBytes } from "node:crypto";
import type { ReceivedRequest } from "../http.ts";
import { Refusal } from "./refusal.ts";

export interface OAuthOptions {
  /** Personal access tokens that are good. */
  readonly tokens: readonly string[];
  /** Secrets of service principals by their client id. */
  readonly clients: Readonly<Record<string, string>>;
  /** How long an access token lives, in seconds. */
  readonly lifetimeSeconds: number;
  readonly now: () => number;
}

/** Tokens of a workspace: personal ones, and OAuth machine to machine (docs `dev-tools/auth/oauth-m2m`). */
export interface OAuth {
  /** How many access tokens were given out. */
  readonly issued: number;
  issue(request: ReceivedRequest): unknown;
  /** @throws Refusal 401 */
  check(request: ReceivedRequest): void;
  /** Access tokens given out so far are good no more. */
  revoke(): void;
}

export function createOAuth({ tokens, clients, lifetimeSeconds, now }: OAuthOptions): OAuth {
  const accessTokens = new Map<string, number>();
  let issued = 0;

  return {
    get issued() {
      return issued;
    },
    issue({ headers, text }) {
      const form = new URLSearchParams(text);
      const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
      const [id = "", ...rest] = Buffer.from(basic, "base64").toString().split(":");
      // RFC 6749 section 2.3.1: both are form-encoded; for usual ids and secrets that changes nothing.
      if (clients[id] === undefined || clients[id] !== rest.join(":")) {
        throw new OAuthRefusal(401, "invalid_client", "Client authentication failed");
      }
      if (form.get("grant_type") !== "client_credentials") {
        throw new OAuthRefusal(400, "unsupported_grant_type", "Use client_credentials");
      }
      if (form.get("scope") !== "all-apis") {
        throw new OAuthRefusal(400, "invalid_scope", "Use all-apis");
      }
      issued += 1;
      const token = `eyJ.${randomBytes(24).toString("base64url")}.${issued}`;
      accessTokens.set(token, now() + lifetimeSeconds * 1000);
      return {
        access_token: token,
        token_type: "Bearer",
        expires_in: lifetimeSeconds,
        scope: "all-apis",
      };
    },
    check({ headers }) {
      const token = /^Bearer (\S+)$/.exec(headers.authorization ?? "")?.[1];
      if (token === undefined) {
        throw new Refusal(
          401,
          "UNAUTHENTICATED",
          "Credential was not sent or was of an unsupported type for this API.",
        );
      }
      if (tokens.includes(token) || (accessTokens.get(token) ?? 0) > now()) return;
      const reason = accessTokens.has(token) ? "Token is expired." : "Invalid access token.";
      throw new Refusal(401, "UNAUTHENTICATED", reason);
    },
    revoke() {
      for (const token of accessTokens.keys()) accessTokens.set(token, 0);
    },
  };
}

/** An error of the token endpoint, which has a shape of its own. */
export class OAuthRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}
