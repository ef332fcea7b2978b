import { parseSize, policyShape } from "@pipehooks/core";
import { z } from "zod";
import { check, type IssueContext } from "./option-rules.ts";

export interface CloudLoggingBatch {
  /** Most records of a call. @default what the provider takes: 10 000 */
  readonly maxRecords?: number | undefined;
  /** Most bytes of a call as the provider counts them, a number or such as `"512KiB"`. @default what AWS and Azure take; 2 000 000 of the 9 900 000 that Google does */
  readonly maxBytes?: number | string | undefined;
  /** How long the first record of a call waits for others, such as `"1s"`. @default "1s" */
  readonly linger?: string | undefined;
}

/** Records of one call, by every provider. */
export const mostRecords = 10_000;

/** Checks {@link CloudLoggingBatch}. */
export const batchOptions: z.ZodType<CloudLoggingBatch, CloudLoggingBatch> = z.strictObject({
  maxRecords: z
    .int()
    .min(1)
    .max(mostRecords, "is more than the 10 000 that go into one call")
    .optional()
    .describe("Most records of a call. Default 10000"),
  maxBytes: z
    .union([z.int().min(1), z.string().superRefine(checkSize)])
    .optional()
    .describe("Most bytes of a call. Default: what AWS and Azure take, 2000000 for Google"),
  linger: policyShape.retry
    .unwrap()
    .shape.base.describe("How long the first record waits for others. Default 1s"),
});

/** Bytes of a size in either form; undefined where it is none. */
export function bytesOf(size: unknown): number | undefined {
  if (typeof size === "number") return size;
  try {
    return parseSize(String(size));
  } catch {
    return undefined;
  }
}

function checkSize(text: string, context: IssueContext): void {
  check(context, [], () => parseSize(text));
}
