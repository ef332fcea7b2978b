import { databricksJob, databricksSql } from "@pipehooks/databricks";
import { type HttpAnswer, type ReceivedRequest, testHook } from "@pipehooks/testing";
import { describe, it } from "vitest";

const token = "dapi0123456789abcdef";
const clientSecret = "dose0123456789 abcdef";

const started: HttpAnswer = {
  body: '{"run_id":9007199254740993,"number_in_job":9007199254740993}',
};

function tokenOf({ text }: ReceivedRequest): string | undefined {
  return /"idempotency_token":"(\w+)"/.exec(text)?.[1];
}

const invalid = [
  { options: { host: "https://x", token: "t" }, paths: ["jobId"] },
  {
    options: {
      host: "no host at all",
      token: "t",
      jobId: "twelve",
      jobMappings: { "a{": 1, b: 2 ** 53, c: { jobId: 1, pipeline: "x" } },
      mapBy: "a..b",
      jobParameters: { a: "${" },
      notebookParams: [],
      pythonParams: {},
      pipelineParams: { fullRefresh: "yes" },
      only: [],
      queue: "yes",
      performanceTarget: "FAST",
      waitForCompletion: "yes",
      poll: { first: "soon", longest: "0s" },
      deadline: "tomorrow",
      onDeadline: "panic",
      whenUnknown: "guess",
      onRunning: "wait",
      retryRun: -1,
      repair: true,
    },
    paths: [
      ...["host", "jobId", "jobMappings.a{", "jobMappings.b", "jobMappings.c", "mapBy"],
      ...["jobParameters.a", "notebookParams", "pythonParams", "pipelineParams.fullRefresh"],
      ...["only", "queue", "performanceTarget", "waitForCompletion", "poll.first"],
      ...["poll.longest", "deadline", "onDeadline", "whenUnknown", "onRunning", "retryRun"],
      "repair",
    ],
  },
  {
    options: {
      host: "https://x",
      token: "t",
      jobId: 1,
      mapBy: "table",
      notebookParams: {},
      jarParams: [],
    },
    paths: ["mapBy", "jarParams"],
  },
  {
    options: {
      host: "https://x",
      token: "t",
      jobId: 1,
      waitForCompletion: false,
      retryRun: 1,
      repair: true,
    },
    paths: ["retryRun", "repair"],
  },
];

describe("with a personal access token", () => {
  testHook({
    runner: { describe, it },
    hook: databricksJob,
    options: ({ url }) => ({ host: url, token, jobId: "12", waitForCompletion: false }),
    secrets: [token],
    respond: started,
    idempotencyKey: tokenOf,
    invalid,
    statuses: {
      // Without a run id nothing was started that can be watched.
      ...{ 200: "retry", 201: "retry", 202: "retry", 204: "retry" },
      ...{ 410: "permanent", 409: "permanent", 421: "permanent", 423: "permanent" },
      ...{ 501: "retry", 505: "retry", 502: "retry", 504: "retry" },
    },
  });
});

describe("as a service principal", () => {
  testHook({
    runner: { describe, it },
    hook: databricksJob,
    options: ({ url }) => ({ host: url, clientId: "client-1", clientSecret, jobId: "12" }),
    secrets: [clientSecret],
    respond: ({ path }) =>
      path === "/oidc/v1/token"
        ? { body: '{"access_token":"eyJ.abc","token_type":"Bearer","expires_in":3600}' }
        : started,
    idempotencyKey: tokenOf,
    invalid: [],
    statuses: false,
  });
});

describe("with SQL", () => {
  testHook({
    runner: { describe, it },
    hook: databricksSql,
    options: ({ url }) => ({
      ...{ host: url, token, warehouseId: "wh1", insertInto: "events" },
      transport: "rest" as const,
      columns: { event_id: "${id}", note: "${pipeline}" },
      waitForCompletion: false,
    }),
    secrets: [token],
    respond: { body: '{"statement_id":"01f0-1","status":{"state":"SUCCEEDED"}}' },
    invalid: [],
    statuses: {
      ...{ 200: "retry", 201: "retry", 202: "retry", 204: "retry" },
      ...{ 410: "permanent", 409: "permanent", 421: "permanent", 423: "permanent" },
      ...{ 501: "retry", 505: "retry", 502: "retry", 504: "retry" },
    },
  });
});
