import { probe, type TargetGuard } from "@pipehooks/core/targets";
import type { buildConnector } from "undici";
import { type Connect, createConnector, type Undici } from "./connector.ts";
import type { Exchange } from "./exchange.ts";
import { createLines } from "./lines.ts";
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
  /** Sends one request. */
  dispatch(request: Request, exchange: Exchange): void;
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

  const lines = createLines(undici, base.origin, connect);
  const forwardHeaders = forwards
    ? ["host", url.host, ...Object.entries(proxyHeaders(proxyUrl)).flat()]
    : [];

  return {
    dispatch(request, exchange) {
      if (!forwards) lines.dispatch(request, exchange);
      else {
        const headers = [...forwardHeaders, ...request.headers];
        lines.dispatch({ ...request, headers, path: url.origin + request.path }, exchange);
      }
    },
    probe: (signal) => probe(connect, base, signal),
    async destroy() {
      const destroyed = Promise.all([lines.destroy(), proxy?.destroy()]);
      connector.cut();
      await destroyed;
    },
  };
}
