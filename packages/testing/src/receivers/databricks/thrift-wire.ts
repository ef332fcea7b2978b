import { createRequire } from "node:module";
import { loadOptional } from "@pipehooks/core";

/** One method each, such as `OpenSession`: takes the request's struct, resolves with the answer's. */
export type ThriftHandler = Readonly<Record<string, (request: never) => Promise<unknown>>>;

/** Thrift over HTTP as `@databricks/sql` speaks it: a buffered transport, the binary protocol, one message a request. */
export interface ThriftWire {
  /** @throws where the bytes are no such message */
  answer(handler: ThriftHandler, message: Buffer): Promise<Buffer>;
  readonly Int64: new (bytes: Buffer) => object;
}

// Of the package's own generated code and of the Thrift library below it, by shape.
interface Service {
  readonly Processor: new (
    handler: ThriftHandler,
  ) => { process(input: unknown, output: unknown): void };
}
interface Transport {
  new (buffer: undefined, onFlush: (bytes: Buffer) => void): object;
  receiver(callback: (transport: object) => void): (bytes: Buffer) => void;
}
interface Thrift {
  readonly TBufferedTransport: Transport;
  readonly TBinaryProtocol: new (transport: object) => object;
  readonly Int64: ThriftWire["Int64"];
}

/**
 * The driver's own generated code, the other way round.
 * @throws HookError PACKAGE_MISSING where `@databricks/sql` is not installed
 */
export async function loadThriftWire(): Promise<ThriftWire> {
  const sql = await loadOptional(
    "@databricks/sql",
    "createDatabricksReceiver with driver: true",
    () => import("@databricks/sql"),
  );
  // By the generated code's own path: package managers need not put it where this package could see it.
  const ofDriver = createRequire(
    createRequire(import.meta.url).resolve("@databricks/sql/package.json"),
  );
  const thrift = ofDriver("thrift") as Thrift;
  // A class by its TypeScript name, `TCLIService`, and the module's parts in fact.
  const service = sql.thrift.TCLIService as unknown as Service;

  return {
    Int64: thrift.Int64,
    answer(handler, message) {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const output = new thrift.TBinaryProtocol(new thrift.TBufferedTransport(undefined, resolve));
      const receive = thrift.TBufferedTransport.receiver((transport) => {
        new service.Processor(handler).process(new thrift.TBinaryProtocol(transport), output);
      });
      try {
        receive(message);
      } catch (error) {
        reject(error);
      }
      return promise;
    },
  };
}

/** Name of the method that a message calls; undefined where it is no strict binary message. */
export function methodOf(message: Buffer): string | undefined {
  if (message.length < 8 || message.readUInt16BE(0) !== 0x8001) return undefined;
  const length = message.readUInt32BE(4);
  return length > 64 ? undefined : message.subarray(8, 8 + length).toString();
}
