import {
  answerRemoteRun,
  createRemoteRun,
  type Delivery,
  defineHook,
  type Hook,
  type HookContext,
  HookError,
  type HookFactory,
  isHookError,
  type JsonObject,
  type JsonValue,
  parseExactJson,
  type Rendered,
  redactJson,
  runMarker,
  skipped,
} from "@pipehooks/core";
import { secretsOf } from "./connection.ts";
import { createJobClient, startBody } from "./job-client.ts";
import {
  type CheckedJobOptions,
  type DatabricksJobOptions,
  databricksJobOptions,
} from "./job-options.ts";
import { createJobChoice } from "./mapping.ts";
import { templatedOptions } from "./parameters.ts";
import { isMissing, openWorkspace, statusOf, type Workspace } from "./workspace.ts";

/**
 * Starts a Databricks job for each event and sees its run through: exactly one run for a delivery, whatever crashes.
 * Follows the Jobs API 2.2.
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * databricksJob({ host: "https://dbc-a1b2.cloud.databricks.com", jobId: "123", jobParameters: { date: "${metadata.date}" } })
 */
export const databricksJob: HookFactory<DatabricksJobOptions> = defineHook<
  DatabricksJobOptions,
  CheckedJobOptions
>({
  name: "databricks-job",
  options: databricksJobOptions,
  destination: ({ connection }) => connection.host,
  secrets: ({ connection }) => secretsOf(connection),
  templates: [...templatedOptions, ...templatedOptions.map((option) => `jobMappings.*.${option}`)],
  // The workspace starts 20 runs a second for all of its users together.
  policy: { timeout: "60s", rateLimit: ["20/1s"] },
  async create(options, context) {
    return createDatabricksJob(options, context, await openWorkspace(options.connection, context));
  },
});

/** The hook over a workspace that is open. */
function createDatabricksJob(
  options: CheckedJobOptions,
  context: HookContext,
  workspace: Workspace,
): Hook {
  const choice = createJobChoice({
    jobId: options.jobId,
    jobMappings: options.jobMappings,
    mapBy: options.mapBy ?? "pipeline",
    common: options,
  });
  const client = createJobClient(workspace, { choice, repair: options.repair === true });
  const run = createRemoteRun(client, options, {
    random: context.random,
    now: () => context.clock.now(),
  });

  return {
    async deliver(delivery) {
      // A run that goes on is seen through, whatever is mapped by now.
      if (delivery.state !== undefined) return run(delivery);
      const job = choice.choose(delivery);
      return "none" in job ? skipped(job.none) : run(delivery);
    },
    render: (delivery) => renderStart(delivery),
    answered: answerRemoteRun(client),
    async check(signal) {
      const found: string[] = [];
      const wrong: string[] = [];
      for (const [id, parameters] of choice.jobs) {
        try {
          found.push(await describeJob(id, parameters, signal));
        } catch (error) {
          if (!isHookError(error) || (statusOf(error) !== 403 && !isMissing(error))) throw error;
          wrong.push(`job ${id}: ${error.message}`);
        }
      }
      if (wrong.length > 0) {
        throw new HookError(
          "RECEIVER_REFUSED",
          `${context.name}: ${wrong.join(" ")} Check the ids, and that the token's owner has CAN MANAGE RUN on them.`,
        );
      }
      return { summary: `${workspace.hostName} reached; ${found.join("; ")}` };
    },
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  };

  function renderStart(delivery: Delivery): Rendered {
    const job = choice.choose(delivery);
    if ("none" in job) return { target: `nothing: ${job.none}`, body: null };
    const body = startBody(job, runMarker(delivery));
    return {
      target: `POST ${options.connection.host}/api/2.2/jobs/run-now`,
      headers: { authorization: "[redacted]", "content-type": "application/json" },
      body: redacted(body, context),
    };
  }

  async function describeJob(
    id: string,
    parameters: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<string> {
    const { json } = await workspace.jobs("GET", "/get", { signal, query: { job_id: id } });
    const settings = Object(Reflect.get(Object(json), "settings")) as JobSettings;
    const declared = new Set((settings.parameters ?? []).map(({ name }) => name));
    const unknown = [...parameters].filter((name) => !declared.has(name));
    const note = unknown.length === 0 ? "" : `, which declares no parameter ${unknown.join(", ")}`;
    return `job ${id} "${settings.name ?? ""}" is there${note}`;
  }
}

interface JobSettings {
  readonly name?: string;
  readonly parameters?: readonly { readonly name: string }[];
}

function redacted(body: JsonObject, { redact }: HookContext): JsonValue {
  // Whoever shows it may not know how to write a 64-bit number: that is text then.
  return redactJson(parseExactJson(JSON.stringify(body)), redact);
}
