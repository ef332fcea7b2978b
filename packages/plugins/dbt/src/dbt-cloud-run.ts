import {
  answerRemoteRun,
  compileTemplate,
  createRemoteRun,
  type Delivery,
  defineHook,
  type Hook,
  type HookContext,
  HookError,
  type HookFactory,
  type JsonObject,
  readPath,
  runMarker,
  skipped,
  toTemplateScope,
} from "@pipehooks/core";
import { createDbtApi, type DbtApi } from "./api.ts";
import { toCause } from "./cause.ts";
import { checkJobs } from "./check.ts";
import { createDbtClient } from "./client.ts";
import { parseHost } from "./host.ts";
import { createPlanner } from "./mapping.ts";
import { type CheckedDbtCloudRun, type DbtCloudRunOptions, dbtCloudRunOptions } from "./options.ts";
import { createOverrides } from "./overrides.ts";
import { createSteps } from "./steps.ts";

/**
 * Starts a job of dbt Cloud and sees its run through: `dbt.run.completed`, `dbt.run.failed` and `dbt.run.cancelled` tell
 * how it ended, with the results of its nodes. Follows the API v2 (https://docs.getdbt.com/dbt-cloud/api-v2).
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * dbtCloudRun({ host: "ab123.us1.dbt.com", token, accountId: 1, job: 42, select: "source:${metadata.connector}+" })
 */
export const dbtCloudRun: HookFactory<DbtCloudRunOptions> = defineHook<
  DbtCloudRunOptions,
  CheckedDbtCloudRun
>({
  name: "dbt-cloud-run",
  options: dbtCloudRunOptions,
  // The limit of requests is the account's.
  destination: ({ host, accountId }) => `dbt:${parseHost(host).host}/${accountId}`,
  secrets: ({ token }) => [token],
  templates: [
    ...["job", "select", "stepsOverride", "cause", "mappings.*"],
    ...["gitSha", "gitBranch", "schemaOverride", "targetNameOverride", "dbtVersionOverride"],
    ...["azurePullRequestId", "githubPullRequestId"],
    ...["gitlabMergeRequestId", "nonNativePullRequestId"],
  ],
  // An account may ask 5,000 times a minute, and the look at a run that has ended asks several times.
  policy: { timeout: "60s", rateLimit: ["3000/1m"] },
  async create(options, context) {
    const host = parseHost(options.host);
    const api = await createDbtApi(
      {
        host,
        accountId: options.accountId,
        token: options.token,
        tokenScheme: options.tokenScheme ?? "Token",
        allowHttp: options.allowHttp ?? false,
      },
      context,
    );
    if (host.warning !== undefined) context.logger.warn(`${context.name}: ${host.warning}.`);
    return createHook(options, context, api);
  },
});

// Runs take minutes.
const usualFirstLook = "10s";

function createHook(options: CheckedDbtCloudRun, context: HookContext, api: DbtApi): Hook {
  const { origin } = parseHost(options.host);
  const plan = createPlanner(options);
  const steps = createSteps(options.stepsOverride);
  const overrides = createOverrides(options);
  const cause = options.cause === undefined ? undefined : compileTemplate(options.cause);
  const isOverridden = options.stepsOverride !== undefined;

  const request = (delivery: Delivery, marker: string) => {
    const planned = plan(delivery);
    // Skipped before anything is stored; here a changed configuration met an older state.
    if ("skip" in planned) throw new HookError("REQUEST_INVALID", `dbt: ${planned.skip}.`);
    const { job, selection } = planned;
    const made = isOverridden || selection !== undefined ? steps(delivery, selection) : undefined;
    const text =
      cause === undefined ? causeOf(delivery) : String(cause.render(toTemplateScope(delivery)));
    const body: JsonObject = {
      cause: toCause(context.redact(text), { hook: context.name, marker }),
      ...(made !== undefined && { steps_override: made }),
      ...overrides(delivery),
    };
    return { job, body };
  };

  const fixed = fixedJob(options);
  const client = createDbtClient(
    api,
    {
      what: fixed === undefined ? "dbt job" : `dbt job ${fixed}`,
      origin,
      onRunning: options.onRunning ?? "queue",
      results: options.results ?? true,
      retryOn: options.retryOn ?? "transient",
      retryRun: options.retryRun ?? 0,
      request,
    },
    context,
  );
  const poll = { first: usualFirstLook, ...options.poll };
  const deliver = createRemoteRun(
    client,
    { ...options, poll },
    {
      random: context.random,
      now: () => context.clock.now(),
    },
  );

  return {
    deliver(delivery) {
      if (delivery.state === undefined) {
        const planned = plan(delivery);
        if ("skip" in planned) return skipped(planned.skip);
        // What no event can make good is told before anything is stored.
        request(delivery, "none");
      }
      return deliver(delivery);
    },
    render(delivery) {
      const planned = plan(delivery);
      if ("skip" in planned) {
        return { target: `nothing: ${planned.skip}`, body: null };
      }
      const { job, body } = request(delivery, markerOf(delivery));
      return {
        target: `POST ${origin}/api/v2/accounts/${options.accountId}/jobs/${job}/run/`,
        body,
      };
    },
    answered: answerRemoteRun(client),
    check: (signal) => checkJobs(api, options, signal),
    [Symbol.asyncDispose]: () => api.dispose(),
  };
}

/** The marker of the start that was stored, or of the first one. */
function markerOf(delivery: Delivery): string {
  const stored = readPath(delivery.state, "marker");
  return typeof stored === "string" ? stored : runMarker(delivery);
}

/** The one job, where events have no say in it. */
function fixedJob({ job, mappings }: CheckedDbtCloudRun): string | undefined {
  const jobs = [job, ...Object.values(mappings ?? {}).map((mapping) => mapping.job)];
  const named = new Set(jobs.filter((each) => each !== undefined).map(String));
  const [only] = named;
  return named.size === 1 && only !== undefined && /^\d+$/.test(only) ? only : undefined;
}

function causeOf({ event, count }: Delivery): string {
  const of = event.pipeline === undefined ? "" : ` of ${event.pipeline}`;
  const more = count > 1 ? ` and ${count - 1} more` : "";
  return `${event.type}${of}${more}`;
}
