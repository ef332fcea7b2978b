import { probe, type TargetGuard } from "@pipehooks/core/targets";
import type { buildConnector, Dispatcher } from "undici";
import { type Connect, createConnector, type Opening, type Undici } from "./connector.ts";
import { createProxy, proxyHeaders } from "./proxy.ts";

export interface ConnectionSettings {
  readonly url: URL;
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly verify?: boolean | undefined;
  };
  readonly proxy: URL | undefined;
}

/** Kept-alive connections to one origin. */
export interface Connections {
  /** Sends one request; `opening` is filled where this request opens a connection. */
  dispatch(request: Request, handler: Dispatcher.DispatchHandler, opening: Opening): void;
  /** Opens one connection as a request would, and closes it; answers what was reached. */
  probe(signal?: AbortSignal): Promise<string>;
  /** Cuts every connection, also those being opened. */
  destroy(): Promise<void>;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value … */
  readonly headers: string[];
  readonly body: Buffer;
}

export function createConnections(
  undici: Undici,
  { url, tls, proxy: proxyUrl }: ConnectionSettings,
  guard: TargetGuard,
): Connections {
  const connector = createConnector(undici);
  const ca = tls.ca === undefined ? {} : { ca: tls.ca };
  const receiverTls: buildConnector.BuildOptions = {
    ...ca,
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    rejectUnauthorized: tls.verify !== false,
  };
  const proxy =
    proxyUrl === undefined
      ? undefined
      : createProxy(undici, connector, { proxy: proxyUrl, url, proxyTls: ca, receiverTls });
  const forwards = proxyUrl !== undefined && url.protocol === "http:";
  const base = forwards ? proxyUrl : url;
  const connect: Connect =
    proxy === undefined
      ? connector.sort(receiverTls, guard)
      : forwards
        ? proxy.toProxy
        : proxy.tunnel;

  // undici connects while it dispatches, so this belongs to the request that opens the connection.
  let current: Opening | undefined;
  const pool = new undici.Pool(base.origin, {
    connect: (target, callback) => connect(target, callback, current),
    allowH2: false,
    // The attempt's own signal bounds it, from DNS to the last byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const forwardHeaders = forwards
    ? ["host", url.host, ...Object.entries(proxyHeaders(proxyUrl)).flat()]
    : [];

  return {
    dispatch(request, handler, opening) {
      current = opening;
      try {
        if (!forwards) pool.dispatch(request, handler);
        else {
          const headers = [...forwardHeaders, ...request.headers];
          pool.dispatch({ ...request, headers, path: url.origin + request.path }, handler);
        }
      } finally {
        current = undefined;
      }
    },
    probe: (signal) => probe(connect, base, signal),
    async destroy() {
      const destroyed = Promise.all([pool.destroy(), proxy?.destroy()]);
      connector.cut();
      await destroyed;
    },
  };
}
