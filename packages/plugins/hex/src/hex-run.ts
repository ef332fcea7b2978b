import {
  answerRemoteRun,
  createRemoteRun,
  defineHook,
  fingerprint,
  type Hook,
  type HookContext,
  type HookFactory,
  parseRate,
} from "@pipehooks/core";
import { checkHex } from "./check.ts";
import { createHexClient } from "./client.ts";
import { createFreshness } from "./freshness.ts";
import { createLedger } from "./ledger.ts";
import { createLine } from "./line.ts";
import { type HexRunOptions, type HexSettings, hexRunOptions, toSettings } from "./options.ts";
import { requestRate, takeRequest, waitForRequests } from "./request-budget.ts";
import { createRuns } from "./runs.ts";
import { hideTokens } from "./secrets.ts";
import { createTriggerBody } from "./trigger-body.ts";

/** What leaves a minute apart may arrive closer together: the first request opens a connection, the next one has it. */
const onItsWayMs = 3_000;

/**
 * Runs a Hex project and sees it through: `hex.run.completed`, `hex.run.failed` or `hex.run.cancelled` say how it ended.
 * Follows Hex's OpenAPI document ("Hex API" 1.0.0) and its "API overview".
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * hexRun({ token: process.env.HEX_TOKEN, project: "5a8591dd-4039-49df-9202-96385ba3eff8", updatePublishedResults: true })
 */
export const hexRun: HookFactory<HexRunOptions> = defineHook({
  name: "hex-run",
  options: hexRunOptions,
  destination: (options) => destinationOf(toSettings(options)),
  secrets: ({ token }) => [token],
  templates: ["inputParams", "viewId", "notifications.subject", "notifications.body"],
  // Every attempt counts, looks included; most make one request.
  policy: { rateLimit: ["50/1m"] },
  create: (options, context) => createHexRun(toSettings(options), context),
});

async function createHexRun(settings: HexSettings, context: HookContext): Promise<Hook> {
  const { project, token, base } = settings;
  const { name, clock } = context;
  const destination = destinationOf(settings);
  const redact = (text: string) => hideTokens(context.redact(text));
  const now = () => clock.now();
  const requests = context.budget(`${destination} requests`, [requestRate]);
  const client = await createHexClient({
    ...{ token, name, redact },
    host: base.url,
    allowHttp: settings.allowHttp,
    now,
    before: () => takeRequest(requests, { name, host: base.host, now }),
  });
  const bodyOf = createTriggerBody(settings);
  const starts = context.budget(`${destination} starts`, settings.startRate.map(withMargin));
  const runs = createRuns({
    ...{ settings, context, client, starts, bodyOf },
    ledger: createLedger({
      places: context.shared(`${destination} running`),
      owners: context.shared(`${destination} ${project}`),
      most: settings.maxRunning,
    }),
    line: createLine(settings.maxRunning),
    freshness: createFreshness({ settings, client, now }),
  });
  const deliver = createRemoteRun(runs, settings, { random: context.random, now });

  return {
    async deliver(delivery) {
      try {
        return await deliver(delivery);
      } catch (thrown) {
        const wait = waitForRequests(thrown, delivery, now());
        if (wait === undefined) throw thrown;
        return wait;
      }
    },
    render: (delivery) => ({
      target: redact(`POST ${base.url}/projects/${project}/runs`),
      headers: { authorization: "Bearer [redacted]", "content-type": "application/json" },
      body: bodyOf(delivery),
    }),
    answered: answerRemoteRun(runs),
    async check(signal: AbortSignal, { verbose = false }: { readonly verbose?: boolean } = {}) {
      const { granted } = await starts.take();
      const body = bodyWithoutEvent(settings);
      const dryRun = granted ? () => client.run(project, body, signal) : undefined;
      const { logger } = context;
      return checkHex({ client, project, name, logger, now: now(), signal, verbose, dryRun });
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
    },
  };
}

/** What can be asked without an event: templates are left out. */
function bodyWithoutEvent({ updatePublishedResults = false, useCachedSqlResults }: HexSettings) {
  return { dryRun: true, updatePublishedResults, useCachedSqlResults };
}

function withMargin(rate: string): string {
  const { count, windowMs } = parseRate(rate);
  return `${count}/${windowMs + onItsWayMs}ms`;
}

/** Hooks with an equal token share budget, pause and places. */
function destinationOf({ base, token }: HexSettings): string {
  return `${base.host}#${fingerprint("hex", token)}`;
}
