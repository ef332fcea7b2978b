import { createHash } from "node:crypto";
import { lookup } from "node:dns";
import { setTimeout } from "node:timers/promises";
import {
  ConnectFailure,
  type Delivery,
  type HookContext,
  HookError,
  isHookError,
  onAbort,
} from "@pipehooks/core";
import { BlockedTarget, createTargetGuard, type Resolve } from "@pipehooks/core/targets";
import { type Connections, createConnections, type Request } from "./connections.ts";
import type { Undici } from "./connector.ts";
import { Exchange, type Received } from "./exchange.ts";
import { toAborted, toFailure } from "./failure.ts";
import type { WebhookOptions } from "./options.ts";

/** Sends requests to one URL, over connections shared with every hook of equal settings. */
export interface Sender {
  /**
   * One request; answers what is read in its answer, whatever the status, or throws what reading throws. It stops with the
   * signal of its delivery, which is of this request alone.
   * @throws HookError RECEIVER_UNREACHABLE, RECEIVER_UNTRUSTED, RECEIVER_REFUSED, RECEIVER_FAILED,
   * TARGET_BLOCKED, REQUEST_INVALID, TIMEOUT, ABORTED
   */
  send<Result>(
    request: Pick<Request, "headers" | "body">,
    delivery: Pick<Delivery, "signal">,
    read: (received: Received) => Result,
  ): Promise<Result>;
  /** Connects without sending a request; answers with what. Throws as {@link Sender.send} does. */
  probe(signal: AbortSignal): Promise<string>;
  /** Lets running requests end for a while, then cuts them. May be called twice. */
  close(): Promise<void>;
}

export type SenderOptions = Pick<
  WebhookOptions,
  "url" | "method" | "tls" | "proxy" | "allowHttp" | "allowPrivate" | "allow"
>;

/** How long running requests may go on when the hook is disposed. */
const closeMs = 5_000;

interface Share {
  readonly connections: Connections;
  users: number;
}

/** Connections by settings: hooks with equal ones share sockets. */
const shares = new Map<unknown, Share>();

/** `resolve` is replaced by tests, which cannot make names resolve to what they need. */
export async function createSender(
  options: SenderOptions,
  context: Pick<HookContext, "name" | "logger">,
  resolve: Resolve = lookup,
): Promise<Sender> {
  const undici: Undici = await import("undici");
  const url = new URL(options.url);
  const {
    method = "POST",
    allowHttp = false,
    allowPrivate = false,
    allow = [],
    tls = {},
  } = options;
  const rules = { allowHttp, allowPrivate, allow, who: "webhooks" };
  const guard = createTargetGuard(url, rules, resolve);
  const proxy = options.proxy === undefined ? undefined : new URL(options.proxy);
  const refusal = guard.refusalOf(proxy === undefined ? "direct" : "proxy");
  const open = () => createConnections(undici, { url, tls, proxy }, guard);
  const path = url.pathname + url.search;
  const where = { hook: context.name, host: url.host };

  const settings = [url.origin, tls, options.proxy, allowHttp, allowPrivate, allow];
  const key = resolve === lookup ? digestOf(settings) : Symbol();
  const share = shares.get(key) ?? { connections: open(), users: 0 };
  shares.set(key, share);
  share.users += 1;

  let running = 0;
  let onIdle = () => {};
  let closing: Promise<void> | undefined;

  const toError = (thrown: unknown): HookError => {
    const cause = thrown instanceof ConnectFailure ? thrown.cause : thrown;
    if (cause instanceof BlockedTarget) {
      const { address } = cause;
      context.logger.debug(`${where.hook}: ${where.host} was blocked`, { address });
    }
    return toFailure(cause, where);
  };
  const disposed = () =>
    new HookError("CLOSED", `${where.hook}: the hook is disposed.`, { retryable: true });

  return {
    send({ headers, body }, delivery, read) {
      return new Promise((resolve, reject) => {
        if (closing !== undefined) return reject(disposed());
        if (refusal !== undefined) return reject(toError(refusal));
        const end = () => {
          running -= 1;
          if (running === 0) onIdle();
        };
        const exchange = new Exchange(
          (received) => {
            end();
            try {
              resolve(read(received));
            } catch (error) {
              reject(error);
            }
          },
          (error) => {
            end();
            // What it was stopped with says more than what the connection met.
            reject(isHookError(error) ? error : toError(exchange.opening?.alert ?? error));
          },
        );
        running += 1;
        onAbort(delivery, (reason) => exchange.stop(toAborted(reason, where)));
        if (exchange.isOver) return;
        try {
          share.connections.dispatch({ method, path, headers, body }, exchange);
        } catch (error) {
          exchange.onResponseError(undefined, error);
        }
      });
    },
    async probe(signal) {
      if (closing !== undefined) throw disposed();
      if (signal.aborted) throw toAborted(signal.reason, where);
      if (refusal !== undefined) throw toError(refusal);
      // Connections of its own: one that is open already would prove nothing.
      const own = open();
      try {
        return await own.probe(signal);
      } catch (error) {
        throw signal.aborted ? toAborted(signal.reason, where) : toError(error);
      } finally {
        await own.destroy();
      }
    },
    close() {
      closing ??= (async () => {
        if (running > 0) {
          const idle = new Promise<void>((resolve) => {
            onIdle = resolve;
          });
          await Promise.race([idle, setTimeout(closeMs, undefined, { ref: false })]);
        }
        share.users -= 1;
        if (share.users > 0) return;
        shares.delete(key);
        await share.connections.destroy();
      })();
      return closing;
    },
  };
}

/** The keys of TLS are among the settings, so they are not kept as text. */
function digestOf(settings: unknown): string {
  return createHash("sha256").update(JSON.stringify(settings)).digest("base64");
}
