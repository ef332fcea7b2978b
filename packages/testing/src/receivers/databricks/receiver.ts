import { createTestCertificate } from "../certificate.ts";
import { createFaultBook } from "../fault-book.ts";
import {
  createHttpReceiver,
  type HttpAnswer,
  type HttpReceiver,
  type ReceivedRequest,
} from "../http.ts";
import { type Call, toCall } from "./call.ts";
import { type DatabricksFault, spoil } from "./fault.ts";
import type { DatabricksJob } from "./job.ts";
import { createJobs, type Jobs } from "./jobs.ts";
import { callsPerSecond, createLimits } from "./limits.ts";
import { createOAuth, OAuthRefusal } from "./oauth.ts";
import { Refusal, toAnswer } from "./refusal.ts";
import { createRestApi } from "./rest-api.ts";
import { createStatements, noWarehouse } from "./statements.ts";
import { createThriftService, type DatabricksSession } from "./thrift-service.ts";
import { loadThriftWire } from "./thrift-wire.ts";
import { createWarehouses, type DatabricksStatement, type ExecuteStatement } from "./warehouses.ts";

export interface DatabricksReceiverOptions {
  /** Jobs of the workspace. @default none */
  readonly jobs?: readonly DatabricksJob[];
  /** Personal access tokens that are good. @default ["dapi-test"] */
  readonly tokens?: readonly string[];
  /** Secrets of service principals by client id. @default none */
  readonly clients?: Readonly<Record<string, string>>;
  /** How long an OAuth access token lives, in seconds. @default 3_600 */
  readonly tokenLifetimeSeconds?: number;
  /** Time in milliseconds since the epoch; runs go on by it. @default Date.now */
  readonly now?: () => number;
  /** Calls in a second by path, such as `{ "jobs/run-now": 2 }`; `false` for no limit. @default those of the product */
  readonly limits?: Readonly<Record<string, number>> | false;
  /** Status for a job or run that is not there; versions of the API differ. @default 404 */
  readonly missing?: 400 | 404;
  /** Versions of the Jobs API it has; others answer 404 "Bad Target". @default ["2.1", "2.2"] */
  readonly versions?: readonly string[];
  /** What SQL statements do. @default each succeeds without rows */
  readonly execute?: ExecuteStatement;
  /** Ids of SQL warehouses. @default ["wh1"] */
  readonly warehouses?: readonly string[];
  /** How long a statement waits for its warehouse to come up, in milliseconds. @default 0 */
  readonly warehouseStartMs?: number;
  /**
   * Answers `@databricks/sql`, too, which must be installed: all of the workspace is https then, with a certificate of
   * its own ({@link DatabricksReceiver.ca}). @default false
   */
  readonly driver?: boolean;
  /** Version of the driver's protocol; below 42248 there are no parameters. @default 42248 */
  readonly protocolVersion?: number;
}

/** A run as the receiver knows it. */
export interface DatabricksRun {
  /** Digits. */
  readonly id: string;
  readonly jobId: string;
  /** Such as `RUNNING`, `TERMINATED`. */
  readonly state: string;
  /** Termination code, once it has ended. */
  readonly code: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly repairs: number;
  /** As run-now got it; integers are bigint. */
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * A Databricks workspace on this machine: Jobs API 2.2, OAuth machine to machine, SQL statements over REST and from
 * `@databricks/sql`; with limits, permissions, idempotency tokens, paging, 64-bit ids and faults, as the documentation says.
 */
export interface DatabricksReceiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** PEM of the certificate to trust; with `driver` only. */
  readonly ca: string | undefined;
  readonly requests: readonly ReceivedRequest[];
  /** Connections that are open now. */
  readonly open: number;
  /** Every run ever started, oldest first. */
  readonly runs: readonly DatabricksRun[];
  /** Every SQL statement ever taken, oldest first. */
  readonly statements: readonly DatabricksStatement[];
  /** Every session that the driver ever opened, oldest first. */
  readonly sessions: readonly DatabricksSession[];
  /** Statements of the driver that are not closed yet. */
  readonly openOperations: number;
  /** How many OAuth access tokens were given out. */
  readonly tokensIssued: number;
  addJob(job: DatabricksJob): void;
  /** As after 60 days, or by hand. */
  deleteRun(id: string): void;
  /** OAuth access tokens given out so far are good no more. */
  revokeTokens(): void;
  /** The driver's sessions are forgotten, as after some idle time; so are their statements, which go on. */
  expireSessions(): void;
  /** Goes wrong from now on, until disposed of. */
  fault(fault: DatabricksFault): Disposable;
  /** How many calls of a path came, such as `jobs/runs/get`. */
  calls(path: string): number;
}

/**
 * Starts a Databricks workspace on a free port of the loopback interface.
 * @example
 * const databricks = await createDatabricksReceiver({ jobs: [{ id: "12" }] });
 */
export async function createDatabricksReceiver(
  options: DatabricksReceiverOptions = {},
): Promise<DatabricksReceiver> {
  const now = options.now ?? Date.now;
  const versions = options.versions ?? ["2.1", "2.2"];
  const faults = createFaultBook<string, DatabricksFault>();
  const counts = new Map<string, number>();
  const oauth = createOAuth({
    tokens: options.tokens ?? ["dapi-test"],
    clients: options.clients ?? {},
    lifetimeSeconds: options.tokenLifetimeSeconds ?? 3600,
    now,
  });
  const takeLimit = createLimits(
    options.limits === false ? {} : (options.limits ?? callsPerSecond),
    now,
  );
  const jobs: Jobs = createJobs({ now, url: () => http.url, missing: options.missing ?? 404 });
  for (const job of options.jobs ?? []) jobs.add(job);
  const warehouses = createWarehouses({
    now,
    execute: options.execute ?? (() => ({})),
    warehouses: options.warehouses ?? ["wh1"],
    warehouseStartMs: options.warehouseStartMs ?? 0,
  });
  const answerRest = createRestApi(jobs, createStatements(warehouses));
  const wire = options.driver === true ? await loadThriftWire() : undefined;
  const thrift =
    wire &&
    createThriftService({
      warehouses,
      protocolVersion: options.protocolVersion,
      Int64: wire.Int64,
    });
  const tls = wire && createTestCertificate();

  const answerDriver = async (
    { body, headers }: ReceivedRequest,
    { warehouse = "" }: Call,
  ): Promise<HttpAnswer> => {
    if (wire === undefined || thrift === undefined)
      throw new Refusal(404, "NOT_FOUND", "No Thrift here.");
    if (!warehouses.has(warehouse)) throw noWarehouse(warehouse);
    if (headers["content-type"] !== "application/x-thrift") {
      throw new Refusal(400, "BAD_REQUEST", "application/x-thrift is expected.");
    }
    return {
      headers: { "content-type": "application/x-thrift" },
      body: await wire.answer(thrift.handlerOf(warehouse), body),
    };
  };

  const answer = async (request: ReceivedRequest, call: Call): Promise<HttpAnswer> => {
    try {
      if (call.path === "oidc/v1/token") return toAnswer(oauth.issue(request));
      oauth.check(request);
      if (call.version !== undefined && !versions.includes(call.version)) {
        throw new Refusal(404, "ENDPOINT_NOT_FOUND", "Bad Target");
      }
      takeLimit(call.path);
      if (call.warehouse !== undefined) return await answerDriver(request, call);
      return toAnswer(answerRest(request, call));
    } catch (error) {
      if (error instanceof OAuthRefusal) {
        return toAnswer({ error: error.code, error_description: error.message }, error.status);
      }
      if (!(error instanceof Refusal)) throw error;
      const body = { error_code: error.code, message: error.message };
      return toAnswer(body, error.status, error.headers);
    }
  };

  const http: HttpReceiver = await createHttpReceiver({
    ...(tls !== undefined && { tls }),
    async respond(request) {
      const call = toCall(request);
      counts.set(call.path, (counts.get(call.path) ?? 0) + 1);
      const fault = faults.due(call.path);
      const right = () => answer(request, call);
      return fault === undefined ? right() : spoil(fault, right);
    },
  });

  return {
    url: http.url,
    ca: tls?.cert,
    requests: http.requests,
    get open() {
      return http.open;
    },
    get runs() {
      return jobs.runs.map((run): DatabricksRun => {
        const { status } = jobs.view(run);
        const ended = status.termination_details as { code: string } | undefined;
        return {
          id: String(run.id),
          jobId: run.job.id,
          state: status.state,
          code: ended?.code,
          parameters: run.parameters,
          repairs: run.repairs.length,
          body: run.body,
        };
      });
    },
    get statements() {
      return warehouses.all.map((statement): DatabricksStatement => {
        const { id, text, parameters, transport } = statement;
        return { id, text, parameters, state: warehouses.stateOf(statement), transport };
      });
    },
    get sessions() {
      return thrift?.sessions ?? [];
    },
    get openOperations() {
      return thrift?.openOperations ?? 0;
    },
    get tokensIssued() {
      return oauth.issued;
    },
    addJob: jobs.add,
    deleteRun: jobs.remove,
    revokeTokens: oauth.revoke,
    expireSessions: () => thrift?.expireSessions(),
    fault: faults.add,
    calls: (path) => counts.get(path) ?? 0,
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}
