import { nextTurn } from "@pipehooks/core";
import type { Dispatcher } from "undici";
import type { Opening } from "./connector.ts";
import type { Line } from "./lines.ts";

/** What came back, as far as it was read. */
export interface Received {
  readonly status: number;
  /** Those of its headers that mean something here. */
  readonly headers: ReceivedHeaders;
  /** The first bytes of the body; absent where it has none. */
  readonly body: Buffer | undefined;
  readonly timing: Record<string, number>;
}

export type HeaderValue = string | readonly string[] | undefined;
export type ReceivedHeaders = Readonly<
  Partial<Record<"retry-after" | "location" | "content-encoding", HeaderValue>>
>;

const noHeaders: ReceivedHeaders = {};
const notOpened: Opening = {};
const nothing = (): void => {};

/** Read at most so much of an answer; over it the connection is cut, which is no failure. */
const mostRead = 64 * 1024;
/** Kept of it: the 2 KB of an attempt's record, and enough more that no secret is cut in two. */
const mostKept = 8 * 1024;
/** Once the status is there, the rest of the answer may take so long. */
const bodyMs = 1_000;

/**
 * One request and its answer. A class with few allocations, because it runs for every delivery. It ends once: by
 * the whole answer, by as much as is worth reading, by an error before the status, or by the signal.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Where it opens a connection. */
  opening: Opening | undefined;
  /** Until undici has done with it, which may be after it is over. */
  line: Line | undefined;
  readonly #startedAt = performance.now();
  // Until it is over: an exchange that outlives its end in the heap keeps nothing else there.
  #resolve: (received: Received) => void;
  #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: ReceivedHeaders = noHeaders;
  #firstByteAt = 0;
  #bytes = 0;
  // No list for the one packet that most answers are.
  #body: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #bodyTimer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(resolve: (received: Received) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** It need not begin where this is set before. */
  get isOver(): boolean {
    return this.#isOver;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) controller.abort(stopped);
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Readonly<Record<string, HeaderValue>>,
  ): void {
    // Informational answers come before the final one.
    if (this.#isOver || status < 200) return;
    this.#status = status;
    this.#headers = headersOf(headers);
    this.#firstByteAt = performance.now();
    if (Exchange.#begun.push(this) === 1) nextTurn(Exchange.#boundBodies);
  }

  /** Answers that began in this turn: most are whole in the packet that brings their head, and need no timer. */
  static #begun: Exchange[] = [];

  static #boundBodies(): void {
    const begun = Exchange.#begun;
    Exchange.#begun = [];
    for (const exchange of begun) if (!exchange.#isOver) exchange.#boundBody();
  }

  #boundBody(): void {
    this.#bodyTimer = setTimeout(() => this.stop(undefined), bodyMs);
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#body === undefined) this.#body = chunk;
    else if (this.#bytes < mostKept) this.#keep(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > mostRead) this.stop(undefined);
  }

  #keep(chunk: Buffer): void {
    this.#rest ??= [];
    this.#rest.push(chunk);
  }

  onResponseEnd(): void {
    this.#release();
    this.#finish(undefined);
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.#release();
    this.#finish(error);
  }

  #release(): void {
    const { line } = this;
    this.line = undefined;
    line?.release();
  }

  /** Ends it before its answer has; the error counts where there is no status yet. */
  stop(error: unknown): void {
    if (this.#isOver) return;
    const controller = this.#controller;
    this.#finish(error);
    controller?.abort(stopped);
  }

  /** With a status the answer counts, even if its body could not be read. */
  #finish(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#bodyTimer);
    if (this.#status === 0) this.#reject(error);
    else this.#resolve(this.#received());
    this.#controller = undefined;
    this.#resolve = nothing;
    this.#reject = nothing;
    this.#body = undefined;
    this.#rest = undefined;
  }

  #received(): Received {
    const total = performance.now() - this.#startedAt;
    const { dns, connect, tls } = this.opening ?? notOpened;
    const timing: Record<string, number> = {};
    if (dns !== undefined) timing.dns = round(dns);
    if (connect !== undefined) timing.connect = round(connect);
    if (tls !== undefined) timing.tls = round(tls);
    timing.firstByte = round(this.#firstByteAt - this.#startedAt);
    timing.total = round(total);
    return { status: this.#status, headers: this.#headers, body: this.#whole(), timing };
  }

  #whole(): Buffer | undefined {
    if (this.#body === undefined || this.#rest === undefined) return this.#body;
    return Buffer.concat([this.#body, ...this.#rest]);
  }
}

/** The whole of them, kept for as long as an attempt, would move to the old generation of the heap. */
function headersOf(all: Readonly<Record<string, HeaderValue>>): ReceivedHeaders {
  const retryAfter = all["retry-after"];
  const { location } = all;
  const encoding = all["content-encoding"];
  if (retryAfter === undefined && location === undefined && encoding === undefined) {
    return noHeaders;
  }
  return { "retry-after": retryAfter, location, "content-encoding": encoding };
}

const stopped = new Error("The rest of the answer is not wanted");

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
