import { z } from "zod";

export interface HeartbeatOptions {
  /** Ping address of the check. Whoever knows it can ping, so it is treated as a secret. */
  readonly url: string;
  /** Also tells the start, so that the check knows how long runs take. @default true */
  readonly signalStart?: boolean | undefined;
}

/** Checks {@link HeartbeatOptions}. */
export const heartbeatOptions: z.ZodType<HeartbeatOptions, HeartbeatOptions> = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe("Ping address of the check"),
  signalStart: z.boolean().optional().describe("Also tell the start. Default true"),
});
