import { defineHook } from "@pipehooks/core";
import { type DbtCloudRunOptions, dbtCloudRun } from "@pipehooks/dbt";
import { testHook } from "@pipehooks/testing";
import { describe, it } from "vitest";

const token = "dbtc_aBcDeF0123456789-secret";

const { kind } = dbtCloudRun;

/** A start of which it is not known whether it happened is no failure of the attempt; here what went wrong counts. */
const outspoken = defineHook<DbtCloudRunOptions, unknown>({
  ...kind,
  async create(options, context) {
    const hook = await kind.create(options, context);
    return {
      ...hook,
      async deliver(delivery) {
        const outcome = await hook.deliver(delivery);
        if (outcome?.type === "pending" && outcome.error !== undefined) throw outcome.error;
        return outcome;
      },
    };
  },
});

testHook({
  runner: { describe, it },
  hook: outspoken,
  options: ({ url }) => ({ host: url, token, accountId: 1, job: 42 }),
  secrets: [token],
  respond: {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ data: { id: 7, status: 1 }, status: { code: 200, is_success: true } }),
  },
  // The claim that starts the run; the one before stored that it is about to.
  delivery: {
    state: { phase: "starting", marker: "ph_test", attempt: 1, again: 0, since: Date.now() },
  },
  statuses: false,
  invalid: [
    { options: {}, paths: ["host", "token", "accountId", "job"] },
    { options: { host: "us1.dbt.com", token: "t", accountId: 1, job: 1 }, paths: ["host"] },
    {
      options: {
        host: "https://user:word@ab123.us1.dbt.com",
        token: "Token dbtc_x",
        tokenScheme: "Basic",
        accountId: "one",
        job: "nightly",
        mappings: { a: ["--full-refresh"], "": 1 },
        mapBy: "a b",
        select: "a b",
        stepsOverride: [],
        cause: "${",
        threadsOverride: 0,
        generateDocsOverride: "yes",
        results: "no",
        retryOn: "always",
        allowHttp: 1,
        poll: { first: "soon" },
        deadline: "x",
        onDeadline: "kill",
        whenUnknown: "maybe",
        onRunning: "wait",
        retryRun: -1,
        waitForCompletion: "no",
      },
      paths: [
        ...["host", "token", "tokenScheme", "accountId", "job", "mapBy", "select"],
        ...["stepsOverride", "cause", "threadsOverride", "generateDocsOverride", "results"],
        ...["retryOn", "allowHttp", "poll.first", "deadline", "onDeadline", "whenUnknown"],
        ...["onRunning", "retryRun", "waitForCompletion"],
      ],
    },
  ],
});
