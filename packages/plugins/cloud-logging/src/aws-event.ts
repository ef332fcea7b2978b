import type { PutLogEventsCommandOutput } from "@aws-sdk/client-cloudwatch-logs";
import { type BatchRecord, HookError, type RecordOutcome } from "@pipehooks/core";
import type { Where } from "./failure.ts";

/** A message of PutLogEvents, with its event's id for what is said of it. */
export interface AwsEvent {
  readonly id: string;
  readonly message: string;
}

/** What became of each; the indexes are those of the events as they were sent. */
export function toAwsOutcomes(
  records: readonly BatchRecord<AwsEvent>[],
  { rejectedLogEventsInfo }: PutLogEventsCommandOutput,
  { hook, store }: Where,
): readonly RecordOutcome[] | undefined {
  if (rejectedLogEventsInfo === undefined) return undefined;
  const {
    tooOldLogEventEndIndex = 0,
    expiredLogEventEndIndex = 0,
    tooNewLogEventStartIndex,
  } = rejectedLogEventsInfo;
  const reject = ({ value, time = 0 }: BatchRecord<AwsEvent>, why: string) =>
    new HookError(
      "RECEIVER_REFUSED",
      `${hook}: ${store} did not keep event ${value.id} of ${new Date(time).toISOString()}: it is ${why}.`,
    );
  return records.map((record, index) => {
    if (index < tooOldLogEventEndIndex) return reject(record, "older than 14 days");
    if (index < expiredLogEventEndIndex)
      return reject(record, "older than what the log group keeps");
    if (index >= (tooNewLogEventStartIndex ?? records.length))
      return reject(record, "more than 2 hours in the future");
    return undefined;
  });
}
