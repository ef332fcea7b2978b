import type { Socket } from "node:net";
import { originOf } from "@pipehooks/core/targets";
import type { buildConnector } from "undici";
import {
  type Connect,
  type Connector,
  connectTimeoutMs,
  type Opening,
  toConnectFailure,
  type Undici,
} from "./connector.ts";
import { ProxyRefusal } from "./failure.ts";

export interface Proxy {
  /** Opens a connection to the proxy itself, which forwards plain http. */
  readonly toProxy: Connect;
  /** Opens a tunnel through it (RFC 9110 §9.3.6), with TLS to the receiver inside. */
  readonly tunnel: Connect;
  destroy(): Promise<void>;
}

/** Names are resolved by the proxy, so the guard for addresses must live there. */
export function createProxy(
  undici: Undici,
  connector: Connector,
  settings: {
    readonly proxy: URL;
    readonly url: URL;
    /** TLS to the proxy, if it speaks it, and to the receiver. */
    readonly proxyTls: buildConnector.BuildOptions;
    readonly receiverTls: buildConnector.BuildOptions;
  },
): Proxy {
  const { proxy, url } = settings;
  const toProxy = connector.sort(settings.proxyTls, undefined);
  const inside = connector.sort(settings.receiverTls, undefined);
  const path = originOf(url);
  const headers = { host: path, ...proxyHeaders(proxy) };
  let current: Opening | undefined;
  const pool = new undici.Pool(proxy.origin, {
    connect: (target, callback) => toProxy(target, callback, current),
    allowH2: false,
    headersTimeout: connectTimeoutMs,
  });
  return {
    toProxy,
    tunnel(target, callback, opening) {
      current = opening;
      const answered = pool.connect({ path, headers });
      current = undefined;
      answered.then(
        ({ statusCode, socket }) => {
          // undici types every upgraded socket as a Duplex.
          if (statusCode >= 200 && statusCode < 300) {
            return inside({ ...target, httpSocket: socket as Socket }, callback, opening);
          }
          socket.on("error", () => {}).destroy();
          callback(toConnectFailure(new ProxyRefusal(statusCode)), null);
        },
        (error: unknown) => callback(toConnectFailure(error), null),
      );
    },
    destroy: () => pool.destroy(),
  };
}

/** Credentials from the proxy's URL. */
export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === "" && proxy.password === "") return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` };
}
