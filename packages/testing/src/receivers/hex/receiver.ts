import { createFaultBook, type FaultTerms } from "../fault-book.ts";
import {
  type Answering,
  createHttpReceiver,
  type HttpAnswer,
  type Misbehaviour,
  type ReceivedRequest,
} from "../http.ts";
import {
  createFixedBook,
  createSlidingBook,
  type LimitBook,
  mostAtOnce,
  mostWithin,
} from "../limit-book.ts";
import { olderError } from "./answers.ts";
import { type HexCall, type HexOperation, newerOperations, toHexCall } from "./call.ts";
import { answerHexCall } from "./routes.ts";
import type { HexToken } from "./situation.ts";
import {
  createHexWorkspace,
  type Filled,
  type HexCourse,
  type HexProject,
  type HexRun,
  type HexStatus,
  statusOf,
} from "./workspace.ts";

export type { HexOperation } from "./call.ts";
export type { HexToken } from "./situation.ts";
export type { HexCourse, HexInput, HexProject, HexRun, HexStatus } from "./workspace.ts";

export interface HexReceiverOptions {
  /** Milliseconds since the epoch; a virtual clock's, for runs that take hours. @default Date.now */
  readonly now?: (() => number) | undefined;
  readonly projects?: readonly HexProject[] | undefined;
  /** @default one personal token, {@link HexReceiver.token} */
  readonly tokens?: readonly HexToken[] | undefined;
  /** How runs go: all alike, or by the run and its number from 0. */
  readonly course?: HexCourse | ((run: HexRun, index: number) => HexCourse) | undefined;
  readonly limits?: HexLimits | undefined;
  /** Notebooks that are open in a browser: each holds a kernel. @default 0 */
  readonly openNotebooks?: number | undefined;
  /** Whether a 429 has a Retry-After; Hex documents none. @default false */
  readonly retryAfter?: boolean | undefined;
  /** How long a new run is missing in lists. @default 0 */
  readonly listLagMs?: number | undefined;
  /** Whether lineage (`queriedTables`) is to be had. @default true */
  readonly enterprise?: boolean | undefined;
}

/** Limits of one user; the defaults are those that Hex names. */
export interface HexLimits {
  /** Until a minute after the first. @default 60 */
  readonly requestsPerMinute?: number | undefined;
  /** On the newer routes: one project, users, lineage. @default 30 */
  readonly newerPerMinute?: number | undefined;
  /** On the newer routes. @default 1_800 */
  readonly newerPerHour?: number | undefined;
  /** @default 20 */
  readonly startsPerMinute?: number | undefined;
  /** @default 60 */
  readonly startsPerHour?: number | undefined;
  /** Running at a time, open notebooks included. @default 25 */
  readonly kernels?: number | undefined;
}

/** Something that goes wrong. */
export interface HexFault extends FaultTerms<HexOperation> {
  readonly on: HexOperation | "any";
  /** Instead of the right answer; 502, 503 and 504 as a gateway says them; `unknown-status` changes only the status that a run is said to have. */
  readonly answer: number | "login-page" | "unknown-status" | Misbehaviour;
  /** Whether what was asked is done all the same. @default true */
  readonly effect?: boolean | undefined;
}

/** The most that came, refused requests included. */
export interface HexPeaks {
  readonly requestsPerMinute: number;
  readonly startsPerMinute: number;
  readonly startsPerHour: number;
  readonly kernels: number;
}

/** A server on this machine that behaves as Hex's public API. */
export interface HexReceiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** A token that it takes. */
  readonly token: string;
  readonly requests: readonly ReceivedRequest[];
  readonly runs: readonly HexRun[];
  /** Ids of the projects, in the order given. */
  readonly projectIds: readonly string[];
  /** How many requests were answered with each status; those cut off or never answered are not among them. */
  readonly answers: Readonly<Record<number, number>>;
  readonly peaks: HexPeaks;
  /** How many requests asked for this. */
  count(operation: HexOperation): number;
  status(run: HexRun): HexStatus;
  /** Ends a run now. */
  end(runId: string, status?: HexRun["end"]): void;
  /** Starts a run as a schedule or a person would. */
  start(projectId: string, trigger?: HexRun["trigger"]): HexRun;
  /** Goes wrong from now on, until disposed of. */
  fault(fault: HexFault): Disposable;
}

const minute = 60_000;
const hour = 3_600_000;

/**
 * Starts a receiver with Hex's routes for runs, projects, lineage and users: auth, limits, error bodies, paging and runs
 * that go on with time. As Hex's OpenAPI document and its "API overview" describe them.
 * @example
 * await using hex = await createHexReceiver({ projects: [{ title: "Weekly revenue" }] });
 */
export async function createHexReceiver(options: HexReceiverOptions = {}): Promise<HexReceiver> {
  const { now = Date.now, projects = [{ title: "Weekly revenue" }], course = {} } = options;
  const { limits = {}, listLagMs = 0, enterprise = true, openNotebooks = 0 } = options;
  const tokens = (options.tokens ?? [{ token: `hxtp_${"0123456789abcdef".repeat(6)}` }]).map(
    ({ token, user = "ada", exp = null, mayRun = true }): Filled<HexToken> => ({
      token,
      user,
      exp,
      mayRun,
    }),
  );
  const workspace = createHexWorkspace({
    projects,
    course: typeof course === "function" ? course : () => course,
    now: now(),
  });
  const books = new Map<string, LimitBook>();
  const faults = createFaultBook<HexOperation, HexFault>();
  const arrivals: { readonly at: number; readonly operation: HexOperation | undefined }[] = [];
  const answers: Record<number, number> = {};
  let origin = "";

  const bookOf = (user: string, name: string, make: () => LimitBook): LimitBook => {
    const key = `${name} ${user}`;
    const book = books.get(key) ?? make();
    books.set(key, book);
    return book;
  };

  const isWithinLimits = ({ user }: Filled<HexToken>, { operation }: HexCall, at: number) => {
    const { requestsPerMinute = 60, newerPerMinute = 30, newerPerHour = 1_800 } = limits;
    const { startsPerMinute = 20, startsPerHour = 60 } = limits;
    const all = bookOf(user, "all", createFixedBook);
    if (!all.take([{ count: requestsPerMinute, windowMs: minute }], at)) return false;
    const both = (perMinute: number, perHour: number) => [
      { count: perMinute, windowMs: minute },
      { count: perHour, windowMs: hour },
    ];
    if (operation === "start") {
      const starts = bookOf(user, "starts", createSlidingBook);
      return starts.take(both(startsPerMinute, startsPerHour), at);
    }
    if (!newerOperations.has(operation)) return true;
    const newer = bookOf(user, "newer", createSlidingBook);
    return newer.take(both(newerPerMinute, newerPerHour), at);
  };

  const respond = (request: ReceivedRequest): Answering => {
    const at = now();
    const call = toHexCall(request.method, request.path, request.text);
    arrivals.push({ at, operation: call?.operation });
    const [, given] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    const token = tokens.find((known) => known.token === given);
    if (token === undefined || (token.exp !== null && token.exp * 1000 <= at)) {
      return { status: 401, headers: { "content-type": "text/plain" }, body: "Unauthorized" };
    }
    if (call === undefined) return olderError(404, "Not found");
    if (!isWithinLimits(token, call, at)) {
      const { headers, ...answer } = olderError(429, "Too many requests");
      return {
        ...answer,
        headers: { ...headers, ...(options.retryAfter === true && { "retry-after": "60" }) },
      };
    }
    const situation = {
      workspace,
      token,
      origin,
      now: at,
      kernels: (limits.kernels ?? 25) - openNotebooks,
      enterprise,
      listLagMs,
    };
    const fault = faults.due(call.operation);
    if (fault === undefined) return answerHexCall(call, situation);
    const unharmed =
      fault.effect === false && fault.answer !== "unknown-status"
        ? undefined
        : answerHexCall(call, situation);
    return wrongAnswer(fault, unharmed);
  };

  const receiver = await createHttpReceiver({
    respond(request) {
      const answering = dated(respond(request), now());
      const status = typeof answering === "object" ? (answering.status ?? 200) : answering;
      if (typeof status === "number") answers[status] = (answers[status] ?? 0) + 1;
      return answering;
    },
  });
  origin = receiver.url;

  const timesOf = (operation?: HexOperation) =>
    arrivals
      .filter((arrival) => operation === undefined || arrival.operation === operation)
      .map(({ at }) => at);

  return {
    url: receiver.url,
    token: tokens[0]?.token ?? "",
    requests: receiver.requests,
    runs: workspace.runs,
    projectIds: workspace.projects.map(({ id }) => id),
    answers,
    get peaks() {
      const starts = timesOf("start");
      return {
        requestsPerMinute: mostWithin(timesOf(), minute),
        startsPerMinute: mostWithin(starts, minute),
        startsPerHour: mostWithin(starts, hour),
        kernels: mostAtOnce(workspace.runs.map(({ createdAt, endsAt }) => [createdAt, endsAt])),
      };
    },
    count: (operation) => timesOf(operation).length,
    status: (run) => statusOf(run, now()),
    end(runId, status = "COMPLETED") {
      workspace.kill(runId, now(), status);
    },
    start: (projectId, trigger = "SCHEDULED") =>
      workspace.start({ projectId, trigger, body: {}, user: "somebody else" }, now()),
    fault: faults.add,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

/** Answers tell the receiver's own time. */
function dated(answering: Answering, at: number): Answering {
  if (typeof answering !== "object" || "length" in answering) return answering;
  return { ...answering, headers: { date: new Date(at).toUTCString(), ...answering.headers } };
}

function wrongAnswer({ answer }: HexFault, right: HttpAnswer | undefined): Answering {
  if (typeof answer === "number") {
    if (![502, 503, 504].includes(answer)) return olderError(answer, "Something went wrong");
    // As what stands in front of the API says it.
    const body = `<html><h1>${answer} from a gateway</h1></html>`;
    return { status: answer, headers: { "content-type": "text/html" }, body };
  }
  if (answer === "login-page") {
    const body = "<!doctype html><title>Log in | Hex</title>";
    return { status: 200, headers: { "content-type": "text/html" }, body };
  }
  if (answer !== "unknown-status") return answer;
  const { body = "", ...rest } = right ?? {};
  return { ...rest, body: String(body).replace(/"status":"[A-Z_]+"/g, '"status":"PONDERING"') };
}
