import { lookup } from "node:dns";
import {
  createJsonApi,
  describeFailure,
  type HookContext,
  HookError,
  isHookError,
  JsonApiError,
  type JsonObject,
  type JsonValue,
  type Undici,
} from "@pipehooks/core";
import {
  BlockedTarget,
  createTargetGuard,
  guardConnector,
  probe,
  type Resolve,
  type TargetRules,
} from "@pipehooks/core/targets";
import { version } from "../version.ts";

/** A request to a channel. */
export interface ChannelRequest {
  /** Path and query, on the channel's origin. */
  readonly path: string;
  readonly body: JsonObject;
}

/** What was answered, whatever its status. */
export interface Received {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** Null where it is no JSON. */
  readonly json: JsonValue;
}

/** Sends requests to one origin. Tries nothing again. */
export interface Transport {
  /**
   * @throws HookError RECEIVER_UNREACHABLE, RECEIVER_UNTRUSTED, RECEIVER_FAILED (no HTTP), TARGET_BLOCKED, TIMEOUT, ABORTED,
   * CLOSED
   */
  post(request: ChannelRequest, signal: AbortSignal): Promise<Received>;
  /** Connects without a request; answers what was reached. Throws as {@link Transport.post} does. */
  probe(signal: AbortSignal): Promise<string>;
  dispose(): Promise<void>;
}

const connectTimeoutMs = 10_000;
/** Answers of these products are short; more is none of theirs. */
const mostBytes = 64 * 1024;

/** `resolve` is replaced by tests, which cannot make names resolve to what they need. */
export async function createTransport(
  options: {
    readonly origin: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly rules: TargetRules;
  },
  { name, redact, clock, logger }: Pick<HookContext, "name" | "redact" | "clock" | "logger">,
  resolve: Resolve = lookup,
): Promise<Transport> {
  const { origin } = options;
  const undici = await import("undici");
  const guard = createTargetGuard(origin, options.rules, resolve);
  const guarded: Undici = {
    Pool: undici.Pool,
    buildConnector: guardConnector(undici.buildConnector, guard),
  };
  const refusal = guard.refusalOf("direct");
  const headers = {
    "user-agent": `pipehooks-alerts/${version}`,
    "content-type": "application/json; charset=utf-8",
    ...options.headers,
  };
  const api = createJsonApi(guarded, {
    base: origin.origin,
    headers: () => headers,
    name,
    redact,
    // The guard knows which addresses plain http may go to.
    allowHttp: true,
    now: () => clock.now(),
  });

  const blocked = ({ message, address }: BlockedTarget) => {
    // For the operator only: neither message nor cause has the address.
    logger.debug(`${name}: ${origin.host} was blocked`, { address });
    return new HookError("TARGET_BLOCKED", redact(`${name}: ${origin.host} ${message}.`));
  };

  return {
    async post({ path, body }, signal) {
      if (refusal !== undefined && !signal.aborted) throw blocked(refusal);
      try {
        const request = { body, signal, plain: true, mostBytes, headers };
        return await api.call("POST", path, request);
      } catch (error) {
        if (!isHookError(error)) throw error;
        const received = error instanceof JsonApiError ? error.received : undefined;
        if (received !== undefined) return received;
        throw error.cause instanceof BlockedTarget ? blocked(error.cause) : error;
      }
    },
    async probe(signal) {
      if (refusal !== undefined) throw blocked(refusal);
      try {
        const connect = guarded.buildConnector({ allowH2: false, timeout: connectTimeoutMs });
        return await probe(connect, origin, signal);
      } catch (error) {
        if (error instanceof BlockedTarget) throw blocked(error);
        if (isHookError(error)) throw error;
        const { code, what, retryable } = describeFailure(error);
        const message = redact(`${name}: ${origin.host} ${what}.`);
        throw new HookError(code, message, { retryable, cause: error });
      }
    },
    dispose: () => api.dispose(),
  };
}
