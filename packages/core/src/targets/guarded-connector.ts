import type { LookupFunction, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { bareHostOf, type TargetGuard } from "./target-guard.ts";

/** Opens one connection, as what undici's `buildConnector` makes. */
export type Connect<Target> = (
  target: Target,
  callback: (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
) => unknown;

/** undici's `buildConnector`, for connectors that reach nothing but what the guard lets through. */
export function guardConnector<Options extends object, Target>(
  buildConnector: (options: Options & { readonly lookup: LookupFunction }) => Connect<Target>,
  guard: TargetGuard,
): (options: Options) => Connect<Target> {
  return (options) => {
    const connect = buildConnector({ ...options, lookup: guard.lookup });
    return (target, callback) =>
      connect(target, (...[error, socket]) => {
        if (error !== null) return callback(error, null);
        try {
          guard.checkAddress(socket.remoteAddress);
        } catch (refusal) {
          socket.destroy();
          // It throws nothing but BlockedTarget.
          return callback(refusal as Error, null);
        }
        callback(null, socket);
      });
  };
}

/** Opens one connection and closes it; answers what was reached: `TLS 1.3`, or `TCP`. Rejects as the signal says. */
export function probe(
  connect: Connect<ProbeTarget>,
  url: URL,
  signal?: AbortSignal,
): Promise<string> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const { host, protocol, port } = url;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  connect({ host, hostname: bareHostOf(url), protocol, port }, (...[error, socket]) => {
    if (error !== null) return reject(error);
    const version = (socket as Partial<TLSSocket>).getProtocol?.();
    socket.on("error", () => {}).destroy();
    resolve(version ? version.replace("v", " ") : "TCP");
  });
  return promise.finally(() => signal?.removeEventListener("abort", onAbort));
}

interface ProbeTarget {
  readonly host: string;
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
}
