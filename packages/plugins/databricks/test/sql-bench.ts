import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import {
  type Clock,
  createPipehooks,
  type PipehooksEvent,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { type DatabricksSqlOptions, databricksEvents, databricksSql } from "@pipehooks/databricks";
import {
  createDatabricksReceiver,
  createVirtualTime,
  type DatabricksReceiver,
  type DatabricksReceiverOptions,
} from "@pipehooks/testing";

export const minute = 60_000;
export const insert = { insertInto: "ops.pipelines.events" };

/** A table that understands the statements of `insertInto`, by their parts that matter. */
export function createTable() {
  const rows: Record<string, unknown>[] = [];
  const texts: string[] = [];
  const execute: DatabricksReceiverOptions["execute"] = ({ text, parameters }) => {
    texts.push(text);
    if (text.startsWith("CREATE")) return {};
    const merges = text.startsWith("MERGE");
    const given = JSON.parse(parameters.rows?.value ?? "[]") as Record<string, unknown>[];
    const fresh = given.filter(
      (row) => !merges || !rows.some((other) => other.event_id === row.event_id),
    );
    rows.push(...fresh);
    return {
      columns: [{ name: "num_affected_rows", type: "BIGINT" }],
      rows: [[String(fresh.length)]],
    };
  };
  return { rows, texts, execute };
}

/** What a hook needs to reach a receiver. */
export function toConnection(
  { url, ca }: Pick<DatabricksReceiver, "url" | "ca">,
  transport: "rest" | "driver",
): Pick<DatabricksSqlOptions, "host" | "tls" | "transport"> {
  return { host: url, transport, ...(ca !== undefined && { tls: { ca } }) };
}

/** A workspace, and a bus with one hook that runs SQL on it. */
export async function openSqlBench(
  transport: "rest" | "driver",
  options: DatabricksSqlOptions,
  workspace: DatabricksReceiverOptions = {},
  gate: object = {},
) {
  // The driver takes a while to load, and time does not wait for it.
  if (transport === "driver") await import("@databricks/sql");
  const time = createVirtualTime({ restMs: 2 });
  const held = holdTime(time.clock);
  const databricks = await createDatabricksReceiver({
    now: () => time.now(),
    driver: transport === "driver",
    ...workspace,
  });
  const heard: PipehooksEvent[] = [];
  const open = (store?: Store, clock: Clock = time.clock) => {
    const bus = createPipehooks({
      hooks: [
        {
          name: "log",
          events: "pipeline.end",
          hook: databricksSql({
            ...toConnection(databricks, transport),
            token: "dapi-test",
            warehouseId: "wh1",
            ...options,
          }),
          ...gate,
        },
      ],
      events: databricksEvents,
      clock,
      random: time.random,
      logger: silentLogger,
      ...(store !== undefined && { store }),
    });
    bus.on("databricks.sql.*", (event: PipehooksEvent) => {
      heard.push(event);
    });
    return bus;
  };
  const bus = open();
  return {
    time,
    databricks,
    heard,
    bus,
    open,
    /** Calls that start a statement. */
    starts: transport === "driver" ? "thrift/ExecuteStatement" : "sql/statements",
    end: (pipeline = "orders", metadata = {}) => bus.emit("pipeline.end", { pipeline, metadata }),
    states: async () => (await bus.store.deliveries({})).map(({ state }) => state),
    async [Symbol.asyncDispose]() {
      await bus.close({ timeoutMs: 0 });
      await databricks[Symbol.asyncDispose]();
      held[Symbol.dispose]();
    },
  };
}

let onItsWay = 0;
subscribe("http.client.request.start", (message) => {
  const { request } = message as { readonly request: ClientRequest };
  onItsWay += 1;
  request.once("close", () => {
    onItsWay -= 1;
  });
});
subscribe("undici:request:create", () => {
  onItsWay += 1;
});
for (const end of ["trailers", "error"]) {
  subscribe(`undici:request:${end}`, () => {
    onItsWay -= 1;
  });
}

/** Virtual time does not go on while requests are on their way: whoever looks at the clock keeps it from resting. */
function holdTime(clock: Clock): Disposable {
  const timer = setInterval(() => {
    if (onItsWay > 0) clock.now();
  }, 1);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
