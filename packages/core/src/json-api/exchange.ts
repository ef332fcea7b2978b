import type { Headers, UndiciController, UndiciHandler } from "./undici.ts";

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** The answer is longer than anybody wants to hold. */
export class AnswerTooBig extends Error {
  override readonly name = "AnswerTooBig";
}

/** One request and its whole answer. A class, because undici drives it step by step. */
export class Exchange implements UndiciHandler {
  /** Whether the request may have left this process. */
  sent = false;
  /** Of an answer that has begun. */
  status: number | undefined;
  readonly received: Promise<Received>;
  readonly #mostBytes: number;
  readonly #signal: AbortSignal;
  readonly #resolve: (received: Received) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onAbort: () => void;
  #controller: UndiciController | undefined;
  #headers: Headers = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(signal: AbortSignal, mostBytes: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    this.received = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#mostBytes = mostBytes;
    this.#signal = signal;
    // V8 allocates a closure that is assigned to a property at once in the old generation, and what it refers to follows it.
    const onAbort = () => this.#fail(signal.reason);
    this.#onAbort = onAbort;
    signal.addEventListener("abort", onAbort, { once: true });
  }

  onRequestStart(controller: UndiciController): void {
    this.#controller = controller;
    // Given up while the connection was being opened: undici then does not write it.
    if (this.#isOver) controller.abort(stopped);
    else this.sent = true;
  }

  onResponseStart(_controller: UndiciController, status: number, headers: Headers): void {
    // Informational answers come before the final one.
    if (status < 200) return;
    this.status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: UndiciController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#mostBytes) this.#fail(new AnswerTooBig());
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#end() || this.status === undefined) return;
    const body = Buffer.concat(this.#chunks);
    this.#resolve({ status: this.status, headers: this.#headers, body });
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (!this.#end()) return;
    this.#reject(error);
    this.#controller?.abort(stopped);
  }

  /** Whether it ends now, which it does once. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    return true;
  }
}

const stopped = new Error("The rest of the answer is not wanted");
