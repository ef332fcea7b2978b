import { type BatchLimits, parseDuration } from "@pipehooks/core";
import { bytesOf, mostRecords } from "./batch-options.ts";
import { type CloudLoggingOptions, mostBytes } from "./options.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What one log event or entry may have. */
const mostRecordBytes = {
  // A batch of one, less what counts for each event.
  aws: 1_048_576 - 26,
  // About 256 KiB by a size that only Google knows.
  gcp: 250_000,
  azure: 1_000_000 - 3,
} as const;

/** Of what Google takes a fifth: as objects for its client, a full call would fill a hundred megabytes. */
const usualBytes = { ...mostBytes, gcp: 2_000_000 };

/** How long things are kept where nothing else is said, in days. */
const awsDays = 14;
const gcpDays = 30;

/** What the chosen provider takes in one call, as far as `batch` does not narrow it. */
export function limitsOf(options: CloudLoggingOptions): BatchLimits {
  const { batch = {}, provider } = options;
  return {
    maxCount: batch.maxRecords ?? mostRecords,
    maxBytes: bytesOf(batch.maxBytes) ?? usualBytes[provider],
    ...ofProvider(options),
    ...(batch.linger !== undefined && { lingerMs: parseDuration(batch.linger) }),
  };
}

function ofProvider({ provider, aws, gcp, azure }: CloudLoggingOptions): Partial<BatchLimits> {
  switch (provider) {
    case "aws":
      // API_PutLogEvents
      return {
        recordOverhead: 26,
        maxSpanMs: day,
        maxAgeMs: Math.min(awsDays, aws?.retentionDays ?? awsDays) * day,
        maxAheadMs: 2 * hour,
      };
    case "gcp":
      // https://docs.cloud.google.com/logging/quotas; tag and length of an entry in the request, names around them.
      return {
        recordOverhead: 5,
        callOverhead: 2048 + Buffer.byteLength(JSON.stringify(gcp?.resource ?? {})),
        maxAgeMs: (gcp?.retentionDays ?? gcpDays) * day,
        maxAheadMs: day,
      };
    case "azure":
      // A comma for each record, two brackets.
      return {
        recordOverhead: 1,
        callOverhead: 2,
        ...(azure?.auxiliaryTable === true && { maxSpanMs: 30 * minute }),
      };
  }
}

/** Bytes that a record may have so that a call has room for it. */
export function mostBytesOf(options: CloudLoggingOptions): number {
  const { maxBytes, recordOverhead = 0, callOverhead = 0 } = limitsOf(options);
  return Math.min(mostRecordBytes[options.provider], maxBytes - recordOverhead - callOverhead);
}
