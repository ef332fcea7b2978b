import { z } from "zod";
import { parseAllow } from "./address.ts";

/** What a kind lets its users open; see {@link targetShape}. */
export interface TargetOptions {
  /** Lets plain http through, which anybody on the way can read. @default false */
  readonly allowHttp?: boolean | undefined;
  /**
   * Opens loopback and private targets, plain http to them included; link-local addresses and metadata services
   * stay closed. @default false
   */
  readonly allowPrivate?: boolean | undefined;
  /** Closed addresses to open: `10.0.0.0/8`, or with a port `10.1.2.3/32:8443`. */
  readonly allow?: readonly string[] | undefined;
}

/** Shape of {@link TargetOptions}, one schema a key: kinds spread it among their options. */
export const targetShape = {
  allowHttp: z.boolean().optional().describe("Let plain http through. Default false"),
  allowPrivate: z
    .boolean()
    .optional()
    .describe("Open loopback and private targets, plain http to them included. Default false"),
  allow: z
    .array(
      z.string().refine((text) => parseAllow(text) !== undefined, {
        message: "is no address range; write it like 10.0.0.0/8 or 10.1.2.3/32:8443",
      }),
    )
    .optional()
    .describe("Closed address ranges to open, with or without a port"),
};
