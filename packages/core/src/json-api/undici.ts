/** The parts of undici in use, by shape: who makes an API brings the module, so core does not depend on it. */
export interface Undici {
  readonly Pool: new (
    origin: string,
    options: {
      readonly connect: Connect;
      readonly allowH2: boolean;
      readonly connections: number;
      readonly headersTimeout: number;
      readonly bodyTimeout: number;
    },
  ) => UndiciPool;
  buildConnector(options: { readonly allowH2: boolean; readonly timeout: number }): Connect;
}

export interface UndiciPool {
  dispatch(request: UndiciRequest, handler: UndiciHandler): boolean;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export interface UndiciRequest {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value … */
  readonly headers: string[];
  readonly body: Buffer | null;
}

/** The new handlers of undici 7 and later. */
export interface UndiciHandler {
  /** The connection is open, and the request is about to be written. */
  onRequestStart(controller: UndiciController): void;
  onResponseStart(controller: UndiciController, status: number, headers: Headers): void;
  onResponseData(controller: UndiciController, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: unknown, error: unknown): void;
}

export interface UndiciController {
  abort(reason: Error): void;
}

/** Of an answer; names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

// biome-ignore lint/suspicious/noExplicitAny: undici's own types stay with whoever brings it
type Connect = (target: any, callback: (...result: any) => void) => unknown;
