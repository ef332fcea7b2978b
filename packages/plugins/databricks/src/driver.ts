import type { Agent } from "node:http";
import type { DBSQLClient } from "@databricks/sql";
import { type HookContext, HookError, isHookError, loadOptional } from "@pipehooks/core";
import type { Connection } from "./connection.ts";
import { type FailureParts, statusOfThrown, toAborted, toDriverError } from "./driver-failure.ts";
import { untilAborted } from "./single-flight.ts";
import { version } from "./version.ts";
import type { Workspace } from "./workspace.ts";

/**
 * The calls that the driver makes, below its sessions and operations: their objects cannot be kept over a restart, drop the
 * SQL state of an error, and round 64-bit integers.
 */
export type DriverCalls = Awaited<ReturnType<DBSQLClient["getDriver"]>>;

/** The driver, connected to one warehouse. */
export interface Driver {
  /**
   * One call, with a token that is good.
   * @throws JsonApiError of which `effect` says whether it may have done its work all the same
   */
  call<T>(
    method: string,
    send: (calls: DriverCalls) => Promise<T>,
    request: DriverRequest<T>,
  ): Promise<T>;
  dispose(): Promise<void>;
}

export interface DriverRequest<T> {
  readonly signal: AbortSignal;
  /** What to do with an answer that came when nobody waited for it any more. */
  readonly onLate?: (answer: T) => void;
}

/** The driver's own repetitions are for calls that change nothing; a stale connection is what they are left for. */
const tries = { retryMaxAttempts: 2, retryDelayMin: 100, retryDelayMax: 1_000 };
/** The signal of a call bounds it; this frees what hangs behind it. */
const socketTimeout = 120_000;
/** A connection that was idle for longer may be gone without a word, and what is sent on it is lost in doubt. */
const staleMs = 4_000;

/**
 * Loads `@databricks/sql` and connects it, which sends nothing yet.
 * @throws HookError PACKAGE_MISSING
 */
export async function openDriver(
  connection: Connection,
  warehouseId: string,
  { workspace, context }: { readonly workspace: Workspace; readonly context: HookContext },
): Promise<Driver> {
  const { DBSQLClient } = await loadDriver(context.name);
  const parts: FailureParts = {
    name: context.name,
    workspace,
    now: () => context.clock.now(),
  };
  const client = new DBSQLClient({
    // Its own writes to the console.
    logger: {
      log: (_level, message) => context.logger.debug(workspace.hide(`@databricks/sql: ${message}`)),
    },
  });
  let headers: Readonly<Record<string, string>> = {};
  const { hostname, port } = new URL(connection.host);
  await client.connect({
    host: hostname,
    port: port === "" ? 443 : Number(port),
    path: `/sql/1.0/warehouses/${warehouseId}`,
    authType: "custom",
    provider: { authenticate: async () => headers },
    userAgentEntry: `pipehooks-databricks/${version}`,
    telemetryEnabled: false,
    socketTimeout,
    ...tries,
    ...(connection.ca !== undefined && { customCaCert: connection.ca }),
  });
  const calls = await client.getDriver();
  const agent = await (await client.getConnectionProvider()).getAgent();
  let running = 0;
  let quietSince = performance.now();

  const send = async <T>(
    method: string,
    work: (calls: DriverCalls) => Promise<T>,
    { signal, onLate }: DriverRequest<T>,
  ): Promise<T> => {
    if (running === 0 && performance.now() - quietSince > staleMs) closeIdle(agent);
    running += 1;
    const answer = work(calls).finally(() => {
      running -= 1;
      quietSince = performance.now();
    });
    try {
      return await untilAborted(answer, signal, onLate);
    } catch (thrown) {
      if (signal.aborted) throw toAborted(signal, method, { ...parts, effect: "unknown" });
      throw thrown;
    }
  };

  return {
    async call(method, work, request) {
      const { signal } = request;
      for (let renewed = false; ; renewed = true) {
        if (signal.aborted) throw toAborted(signal, method, { ...parts, effect: "none" });
        const own = await workspace.authorize(signal);
        headers = own;
        try {
          return await send(method, work, request);
        } catch (thrown) {
          if (isHookError(thrown)) throw thrown;
          if (statusOfThrown(thrown) === 401 && !renewed && workspace.renew(own)) continue;
          throw await toDriverError(thrown, method, parts);
        }
      }
    },
    async dispose() {
      await client.close().catch(() => {});
      agent?.destroy();
    },
  };
}

async function loadDriver(name: string): Promise<typeof import("@databricks/sql")> {
  try {
    return await loadOptional(
      "@databricks/sql",
      `${name}: "transport: driver"`,
      () => import("@databricks/sql"),
    );
  } catch (error) {
    if (!isHookError(error) || error.code !== "PACKAGE_MISSING") throw error;
    const message = `${error.message}, or set "transport: rest", which needs no package.`;
    throw new HookError("PACKAGE_MISSING", message, { cause: error });
  }
}

function closeIdle(agent: Agent | undefined): void {
  for (const sockets of Object.values(agent?.freeSockets ?? {})) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}
