import type { DatabricksJobOptions } from "@pipehooks/databricks";
import { createDatabricksReceiver, type DatabricksFault } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { crash, type StoreCall } from "../../../testing/src/crash/index.ts";

const program = new URL("./children/deliver.ts", import.meta.url);

/** A call of the store at which the process kills itself, or the request after which it is killed. */
type CrashPoint = StoreCall | DatabricksFault;

const calls = (call: "settle" | "claim"): [string, CrashPoint][] =>
  [1, 2, 3, 4].flatMap((number) =>
    (["before", "after"] as const).map((when): [string, CrashPoint] => [
      `${when} call ${number} of ${call}`,
      { call, number, when },
    ]),
  );

const points: readonly [string, CrashPoint][] = [
  ...calls("settle"),
  ...calls("claim"),
  ...(["jobs/run-now", "jobs/runs/get"] as const).flatMap((on) =>
    [false, true].map((effect): [string, CrashPoint] => [
      `while it waits for ${on}, which has ${effect ? "" : "not yet "}had its effect`,
      { on, answer: "never", effect, times: 1 },
    ]),
  ),
];

describe.concurrent("killed", { timeout: 60_000 }, () => {
  test.for(points)("%s, there is one run, and its end is told once", async ([, point]) => {
    await using databricks = await createDatabricksReceiver({
      jobs: [{ id: "12", plan: () => ({ pendingMs: 50, runMs: 400 }) }],
    });
    const isFault = "on" in point;
    if (isFault) databricks.fault(point);

    const { deliveries } = await crash<DatabricksJobOptions>({
      program,
      life: {
        ...{ began: Date.now(), speed: 1, emits: ["evt_1"] },
        options: {
          ...{ host: databricks.url, token: "dapi-test", jobId: "12" },
          poll: { first: "60ms", longest: "60ms" },
        },
      },
      deaths: [isFault ? () => databricks.calls(point.on) > 0 : point],
    });

    expect(databricks.runs).toMatchObject([{ code: "SUCCESS" }]);
    expect(deliveries).toEqual(["chained delivered", "load delivered"]);
  });
});
