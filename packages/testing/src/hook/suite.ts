import type { Delivery, HookFactory } from "@pipehooks/core";
import type { StatusClass } from "../http-statuses.ts";
import type { HttpReceiver, ReceivedRequest, Respond } from "../receivers/http.ts";

export interface HookSuite<Input> {
  /** `describe` and `it` of vitest or of node:test. */
  readonly runner: {
    describe(name: string, body: () => void): unknown;
    it(name: string, body: () => Promise<void>): unknown;
  };
  readonly hook: HookFactory<Input>;
  /** Options that make it deliver to the receiver; with every kind of secret that it takes. */
  readonly options: (receiver: HttpReceiver) => Input;
  /** The secrets among these options, as written: none may come out again, in whatever form. */
  readonly secrets: readonly string[];
  /** Options that are wrong, each with the paths that must be named (dotted; empty for the whole). */
  readonly invalid: readonly { readonly options: unknown; readonly paths: readonly string[] }[];
  /** What the receiver answers where all is well. @default 200 */
  readonly respond?: Respond;
  /** Where a request carries the delivery's idempotency key; leave it out where the receiver knows none. */
  readonly idempotencyKey?: (request: ReceivedRequest) => string | undefined;
  /** Fields of the deliveries, such as the event. */
  readonly delivery?: Partial<Delivery>;
  /** Statuses that mean something else at this receiver, or `false` to leave the table out. */
  readonly statuses?: Readonly<Record<number, StatusClass>> | false;
}
