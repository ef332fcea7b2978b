import { nextTurn } from "@pipehooks/core";
import type { Client, Dispatcher } from "undici";
import type { Connect, Opening, Undici } from "./connector.ts";
import type { Exchange } from "./exchange.ts";

/** One connection at a time to an origin, for one request at a time. */
export interface Line {
  /** Its request has ended. */
  release(): void;
}

/**
 * Lines to one origin, as many as requests have run at once. undici's Pool opens another connection for a request that comes
 * just as an answer has ended: twice as many as are needed, and a tenth of a delivery's time.
 */
export interface Lines {
  dispatch(request: Dispatcher.DispatchOptions, exchange: Exchange): void;
  /** Cuts every connection. */
  destroy(): Promise<void>;
}

export function createLines(undici: Undici, origin: string, connect: Connect): Lines {
  const all: OwnLine[] = [];
  /** The one that was free last is taken first, so that the others may close. */
  const free: OwnLine[] = [];
  /** Free in the next turn of the event loop: many a receiver closes behind its answer without having said so. */
  const ended: OwnLine[] = [];
  /** No more than there are in `ended`. */
  const waiting: Waiting[] = [];

  const open = (): OwnLine => {
    const line: OwnLine = new OwnLine(
      new undici.Client(origin, {
        // undici connects when the line has a request, which is the one that opens the connection.
        connect(target, callback) {
          const opening: Opening = {};
          if (line.exchange !== undefined) line.exchange.opening = opening;
          connect(target, callback, opening);
        },
        allowH2: false,
        // The attempt's own signal bounds it, from DNS to the last byte.
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
      release,
    );
    all.push(line);
    return line;
  };

  const release = (line: OwnLine): void => {
    if (ended.push(line) === 1) nextTurn(takeUp);
  };

  const takeUp = (): void => {
    for (const line of ended.splice(0)) {
      const next = waiting.shift();
      if (next === undefined) free.push(line);
      else line.dispatch(next.request, next.exchange);
    }
  };

  return {
    dispatch(request, exchange) {
      const line = free.pop();
      if (line !== undefined) line.dispatch(request, exchange);
      else if (ended.length > waiting.length) waiting.push(new Waiting(request, exchange));
      else open().dispatch(request, exchange);
    },
    async destroy() {
      await Promise.all(all.map(({ client }) => client.destroy()));
    },
  };
}

class OwnLine implements Line {
  readonly client: Client;
  /** Of the request that it has. */
  exchange: Exchange | undefined;
  readonly #release: (line: OwnLine) => void;

  constructor(client: Client, release: (line: OwnLine) => void) {
    this.client = client;
    this.#release = release;
  }

  dispatch(request: Dispatcher.DispatchOptions, exchange: Exchange): void {
    this.exchange = exchange;
    exchange.line = this;
    this.client.dispatch(request, exchange);
  }

  release(): void {
    this.exchange = undefined;
    this.#release(this);
  }
}

// A class, not a literal: see the decisions in docs/architecture.md.
class Waiting {
  readonly request: Dispatcher.DispatchOptions;
  readonly exchange: Exchange;

  constructor(request: Dispatcher.DispatchOptions, exchange: Exchange) {
    this.request = request;
    this.exchange = exchange;
  }
}
