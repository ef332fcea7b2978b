import { z } from "zod";
import { policyShape } from "../policy.ts";

const duration = policyShape.timeout;

/** Shape of {@link RemoteRunOptions}, one schema a key: kinds of remote runs spread it among their options. */
export const remoteRunShape = {
  waitForCompletion: z
    .boolean()
    .optional()
    .describe("false: delivered as soon as the run is started. Default true"),
  poll: z
    .strictObject({
      first: duration.describe("Before the first look. Default 5s"),
      longest: duration.describe("Longest wait between two looks. Default 60s"),
    })
    .optional()
    .describe("Waits between two looks"),
  deadline: duration.describe("How long a run may take. Default 24h"),
  onDeadline: z.enum(["leave", "cancel", "fail"]).optional().describe("Default leave"),
  whenUnknown: z
    .enum(["trigger_again", "give_up"])
    .optional()
    .describe("Where nobody can say whether a run was started. Default give_up"),
  onRunning: z
    .enum(["queue", "skip", "one_follow_up", "cancel_and_replace"])
    .optional()
    .describe("While a run of the same job goes on. Default queue"),
  retryRun: z
    .int()
    .min(0)
    .max(20)
    .optional()
    .describe("Runs started again after a failure that is worth it. Default 0"),
};
