import { createFaultBook, type FaultTerms } from "../fault-book.ts";
import { type Answering, createHttpReceiver, type ReceivedRequest } from "../http.ts";
import { createDbtCloudAccount } from "./account.ts";
import { createDbtCloudApi, type DbtCloudCall } from "./api.ts";
import type { DbtCloudJob, DbtCloudRun } from "./runs.ts";

export interface DbtCloudReceiverOptions {
  /** The tokens that it takes. @default ["dbtc_test_token"] */
  readonly tokens?: readonly string[] | undefined;
  /** The account of these tokens. @default "1" */
  readonly accountId?: string | number | undefined;
  /** @default one job 42 */
  readonly jobs?: readonly DbtCloudJob[] | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Id of the first run; later ones count on. @default "70403103000001" */
  readonly firstRunId?: string | undefined;
  /** Runs of the account that go on at the same time; others are queued. @default no limit */
  readonly runSlots?: number | undefined;
  /** Most requests in a minute; over it every request gets 429 for five minutes. @default 5000 */
  readonly requestsPerMinute?: number | undefined;
  /** Whether the answer of 429 says how long that is. @default false */
  readonly sendsRetryAfter?: boolean | undefined;
  /** How long a new run is missing in lists. @default 0 */
  readonly listLagMs?: number | undefined;
}

/** What goes wrong. */
export interface DbtCloudFault extends FaultTerms<DbtCloudCall> {
  /**
   * What is answered instead. `login page`: 200 with HTML, as from a wrong host; `unknown status`: runs have a status that
   * nobody knows; `unsuccessful`: 200 with an envelope that says it failed; or a status, an answer, a misbehaviour.
   */
  readonly answer: Answering | "login page" | "unknown status" | "unsuccessful";
  /** Whether what was asked for is done all the same. @default false */
  readonly effect?: boolean | undefined;
}

/** A dbt Cloud account on this machine, with the parts of its API v2 that concern jobs, runs and artifacts. */
export interface DbtCloudReceiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`; what an account's access URL is. */
  readonly url: string;
  readonly token: string;
  readonly accountId: string;
  readonly requests: readonly ReceivedRequest[];
  /** How many connections are open. */
  readonly open: number;
  /** All runs, oldest first, as they are now. */
  readonly runs: readonly DbtCloudRun[];
  run(id: string): DbtCloudRun;
  /** Starts a run that Pipehooks did not ask for. */
  start(jobId: string | number, run?: { cause?: string; causeCategory?: string }): DbtCloudRun;
  /** Ends a run now. */
  finish(id: string, outcome: "success" | "error"): void;
  /** Switches a fault on; dispose of it to switch it off. */
  fault(fault: DbtCloudFault): Disposable;
  /** Resolves when so many requests have come. */
  received(count: number): Promise<void>;
}

const loginPage: Answering = {
  headers: { "content-type": "text/html; charset=utf-8" },
  body: "<!doctype html><html><head><title>Log in</title></head><body>Please log in.</body></html>",
};

/**
 * Starts a receiver that behaves as the API v2 of dbt Cloud (https://docs.getdbt.com/dbt-cloud/api-v2): envelope, tokens,
 * account scope, runs that go on with time, one run of a job at a time, lists with filters, cancelling, retrying,
 * artifacts by step, and the limit of requests with its cooldown.
 * @example
 * await using dbt = await createDbtCloudReceiver({ jobs: [{ id: 42, runs: { runMs: 500 } }] });
 * dbtCloudRun({ host: dbt.url, allowHttp: true, token: dbt.token, accountId: dbt.accountId, job: 42 });
 */
export async function createDbtCloudReceiver(
  options: DbtCloudReceiverOptions = {},
): Promise<DbtCloudReceiver> {
  const { now = Date.now, tokens = ["dbtc_test_token"], jobs = [{ id: 42 }] } = options;
  const accountId = String(options.accountId ?? 1);
  const account = createDbtCloudAccount({
    jobs,
    now,
    firstRunId: options.firstRunId ?? "70403103000001",
    runSlots: options.runSlots ?? Number.POSITIVE_INFINITY,
  });
  const api = createDbtCloudApi({
    account,
    accountId,
    tokens,
    now,
    requestsPerMinute: options.requestsPerMinute ?? 5000,
    sendsRetryAfter: options.sendsRetryAfter ?? false,
    listLagMs: options.listLagMs ?? 0,
    url: () => http.url,
  });
  const faults = createFaultBook<DbtCloudCall, DbtCloudFault>();

  const respond = (request: ReceivedRequest): Answering => {
    const fault = faults.due(api.callOf(request));
    if (fault === undefined) return api.answer(request);
    const { answer, effect = false } = fault;
    if (answer === "unknown status") return api.answer(request, { status: 42 });
    if (effect) api.answer(request);
    if (answer === "login page") return loginPage;
    if (answer === "unsuccessful") return api.unsuccessful();
    return typeof answer === "number" ? api.failure(answer) : answer;
  };

  const http = await createHttpReceiver({ respond: (request) => dated(respond(request), now()) });

  return {
    url: http.url,
    token: tokens[0] ?? "",
    accountId,
    requests: http.requests,
    get open() {
      return http.open;
    },
    get runs() {
      return account.runs();
    },
    run(id) {
      const found = account.run(id);
      if (found === undefined) throw new Error(`There is no run ${id}.`);
      return found;
    },
    start(jobId, { cause = "Kicked off from the UI", causeCategory = "ui" } = {}) {
      return account.start(String(jobId), { cause, causeCategory, body: { cause } });
    },
    finish: (id, outcome) => account.finish(id, outcome),
    fault: faults.add,
    received: (count) => http.received(count),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/** Answers tell the receiver's own time. */
function dated(answering: Answering, at: number): Answering {
  if (typeof answering !== "object" || "length" in answering) return answering;
  return { ...answering, headers: { date: new Date(at).toUTCString(), ...answering.headers } };
}
