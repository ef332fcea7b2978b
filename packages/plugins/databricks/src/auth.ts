import { type Clock, HookError, type JsonApi, type Logger, messageOf } from "@pipehooks/core";
import type { Connection } from "./connection.ts";
import { createSingleFlight } from "./single-flight.ts";

/** Who calls the workspace: the headers that say so, always with a token that is good for a while. */
export interface Auth {
  /**
   * Resolves when {@link Auth.header} has a token.
   * @throws HookError as the token endpoint answers
   */
  ready(signal: AbortSignal): Promise<void>;
  /** Value of the Authorization header. */
  header(): string;
  /** The workspace refused this header: the token is fetched anew. Answers false where that cannot help. */
  refused(header: string): boolean;
  /** Replaces the access token in a text; what the options hold is not its business. */
  hide(text: string): string;
  dispose(): void;
}

/** A token is renewed this long before it ends, while it still serves; of a short-lived one a fifth of its life. */
const earlyMs = 5 * 60_000;
/** Nearer to its end than this it is not used any more. */
const lastMs = 30_000;
const usualLifeSeconds = 3600;
const fetchTimeoutMs = 30_000;

interface Token {
  readonly text: string;
  readonly renewAt: number;
  readonly endsAt: number;
}

/** Credentials of a connection; OAuth machine to machine as docs `dev-tools/auth/oauth-m2m` says. */
export function createAuth(
  { auth }: Pick<Connection, "auth">,
  parts: {
    readonly api: () => JsonApi;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly name: string;
  },
): Auth {
  if (auth.type === "token") {
    return {
      ready: async () => {},
      header: () => `Bearer ${auth.token}`,
      refused: () => false,
      hide: (text) => text,
      dispose: () => {},
    };
  }

  const { api, clock, logger, name } = parts;
  const basic = Buffer.from(`${auth.clientId}:${auth.clientSecret}`).toString("base64");
  let token: Token | undefined;

  const fetchToken = async (signal: AbortSignal): Promise<void> => {
    const { json } = await api().call("POST", "/oidc/v1/token", {
      anonymous: true,
      form: { grant_type: "client_credentials", scope: "all-apis" },
      headers: { authorization: `Basic ${basic}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]),
    });
    const text: unknown = Reflect.get(Object(json), "access_token");
    if (typeof text !== "string" || text === "") {
      throw new HookError(
        "RECEIVER_FAILED",
        `${name}: the token endpoint answered without an access token.`,
        { retryable: true },
      );
    }
    const seconds = Number(Reflect.get(Object(json), "expires_in") ?? usualLifeSeconds);
    const lifeMs = (seconds > 0 ? seconds : usualLifeSeconds) * 1000;
    const now = clock.now();
    token = {
      text,
      renewAt: now + lifeMs - Math.min(earlyMs, lifeMs / 5),
      endsAt: now + lifeMs - Math.min(lastMs, lifeMs / 10),
    };
  };

  /** One fetch at a time, whoever asks. */
  const renewal = createSingleFlight(fetchToken);

  return {
    async ready(signal) {
      signal.throwIfAborted();
      const now = clock.now();
      if (token !== undefined && now < token.renewAt) return;
      if (token !== undefined && now < token.endsAt) {
        if (renewal.isRunning) return;
        renewal.begin().catch((error: unknown) => {
          logger.debug(`${name}: the access token was not renewed yet: ${messageOf(error)}`);
        });
        return;
      }
      await renewal.join(signal);
    },
    header: () => `Bearer ${token?.text ?? ""}`,
    refused(header) {
      // Another delivery may have fetched a new one meanwhile.
      if (header === `Bearer ${token?.text}`) token = undefined;
      return true;
    },
    hide: (text) => (token === undefined ? text : text.replaceAll(token.text, "[redacted]")),
    dispose: () => renewal.cut(),
  };
}
