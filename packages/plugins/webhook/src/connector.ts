import type { Socket } from "node:net";
import { ConnectFailure } from "@pipehooks/core";
import { guardConnector, type TargetGuard } from "@pipehooks/core/targets";
import type { buildConnector, Client, Pool } from "undici";

/** What opening one connection took, in milliseconds; stays empty where an open one was used. */
export interface Opening {
  dns?: number;
  connect?: number;
  tls?: number;
  /** What the receiver says against our certificate; it comes after the handshake. */
  alert?: Error;
}

/** The parts of undici in use; it is loaded when the first hook is made. */
export interface Undici {
  readonly Client: typeof Client;
  readonly Pool: typeof Pool;
  readonly buildConnector: typeof buildConnector;
}

export type Connect = (
  target: buildConnector.Options,
  callback: buildConnector.Callback,
  opening?: Opening,
) => void;

/** Opens connections of several sorts, and can cut all that are still being opened. */
export interface Connector {
  /** What they reach is for the guard to decide; without one only for a proxy, and inside its tunnels. */
  sort(options: buildConnector.BuildOptions, guard: TargetGuard | undefined): Connect;
  cut(): void;
}

export const connectTimeoutMs = 10_000;

export function createConnector(undici: Undici): Connector {
  const unfinished = new Set<Socket>();
  return {
    sort(options, guard) {
      const { buildConnector } = undici;
      const build = guard === undefined ? buildConnector : guardConnector(buildConnector, guard);
      const connect = build({ ...options, allowH2: false, timeout: connectTimeoutMs });
      return (target, callback, opening) => {
        // buildConnector answers the socket, which its type leaves out.
        const socket = connect(target, (...[error, connected]) => {
          unfinished.delete(socket);
          if (error === null) callback(null, connected);
          else callback(toConnectFailure(error), null);
        }) as unknown as Socket;
        unfinished.add(socket);
        if (opening !== undefined) observe(socket, opening);
      };
    },
    cut() {
      for (const socket of unfinished) socket.destroy(new Error("The hook was disposed"));
    },
  };
}

export function toConnectFailure(cause: unknown): ConnectFailure {
  return cause instanceof ConnectFailure
    ? cause
    : new ConnectFailure("The connection could not be opened", { cause });
}

function observe(socket: Socket, opening: Opening): void {
  let at = performance.now();
  const take = (name: "dns" | "connect" | "tls") => () => {
    const now = performance.now();
    opening[name] = now - at;
    at = now;
  };
  socket.once("lookup", take("dns"));
  socket.once("connect", take("connect"));
  socket.once("secureConnect", take("tls"));
  // undici takes the end of the connection, which follows, for the reason.
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith("ERR_SSL_")) opening.alert ??= error;
  });
}
