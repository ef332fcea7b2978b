import {
  createPipehooks,
  type DeliveryRow,
  type PipehooksEvent,
  silentLogger,
} from "@pipehooks/core";
import { type DatabricksJobOptions, databricksEvents, databricksJob } from "@pipehooks/databricks";
import {
  createDatabricksReceiver,
  createVirtualTime,
  type DatabricksReceiverOptions,
} from "@pipehooks/testing";

/** A bus with one hook over a workspace, both on the same virtual time. */
export async function openBench(
  options: DatabricksJobOptions = {},
  workspace: DatabricksReceiverOptions = {},
) {
  const time = createVirtualTime({ restMs: 5 });
  const databricks = await createDatabricksReceiver({
    jobs: [{ id: "12", name: "nightly" }],
    clients: { "client-1": "s3cret" },
    now: () => time.now(),
    ...workspace,
  });
  const heard: PipehooksEvent[] = [];
  const logs: string[] = [];
  const line = (message: string) => void logs.push(message);
  const bus = createPipehooks({
    hooks: [
      {
        name: "load",
        events: "pipeline.end",
        hook: databricksJob({
          host: databricks.url,
          ...(options.clientId === undefined && { token: "dapi-test" }),
          ...(options.jobMappings === undefined && { jobId: "12" }),
          ...options,
        }),
      },
    ],
    events: databricksEvents,
    clock: time.clock,
    random: time.random,
    logger: { ...silentLogger, info: line, warn: line, error: line },
  });
  bus.on("databricks.*", (event: PipehooksEvent) => {
    heard.push(event);
  });
  return {
    time,
    databricks,
    bus,
    heard,
    logs,
    end: (pipeline = "orders", metadata = {}) => bus.emit("pipeline.end", { pipeline, metadata }),
    rows: () => bus.store.deliveries({ hook: "load" }),
    async row(): Promise<DeliveryRow> {
      const [row] = await bus.store.deliveries({ hook: "load" });
      if (row === undefined) throw new Error("there is no delivery");
      return row;
    },
    async attempts() {
      return bus.store.attempts((await this.row()).id);
    },
    async [Symbol.asyncDispose]() {
      await bus.close({ timeoutMs: 0 });
      await databricks[Symbol.asyncDispose]();
    },
  };
}
