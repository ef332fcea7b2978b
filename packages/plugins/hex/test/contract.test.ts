import { hexRun } from "@pipehooks/hex";
import { testHook } from "@pipehooks/testing";
import { describe, it } from "vitest";

const token = `hxtp_${"0123456789abcdef".repeat(6)}`;
const project = "5a8591dd-4039-49df-9202-96385ba3eff8";

testHook({
  runner: { describe, it },
  hook: hexRun,
  options: ({ url }) => ({ token, host: url, allowHttp: true, project, waitForCompletion: false }),
  secrets: [token],
  respond: {
    status: 201,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ projectId: project, runId: "r-1", runUrl: "https://app.hex.tech/r-1" }),
  },
  // Stored before, so that this attempt is the one that starts the run.
  delivery: {
    state: { phase: "starting", marker: "m_1", attempt: 1, again: 0, since: Date.now() },
  },
  // What may have started a run is not simply tried again: this is tested by itself.
  statuses: false,
  invalid: [
    { options: {}, paths: ["token", "project"] },
    { options: { token, project, host: "http://acme.hex.tech" }, paths: ["host"] },
    { options: { token, project, host: "https://acme.hex.tech/other" }, paths: ["host"] },
    { options: { token, project, host: "https://user@acme.hex.tech" }, paths: ["host"] },
    {
      options: { token, project, inputParams: { a: 1 }, updatePublishedResults: true },
      paths: ["updatePublishedResults"],
    },
    { options: { token, project, inputParams: { a: 1 }, viewId: "v" }, paths: ["viewId"] },
    {
      options: {
        token: "with space",
        project: "a/b",
        inputParams: { a: "${" },
        viewId: "${",
        updatePublishedResults: "yes",
        useCachedSqlResults: 1,
        notifications: [{ type: "SOME", subject: "${", slackChannelIds: "C1" }],
        skipIfFresh: "soon",
        startRate: ["often"],
        maxRunning: 26,
        allowHttp: "no",
        waitForCompletion: 1,
        poll: { first: "x" },
        deadline: "x",
        onDeadline: "x",
        whenUnknown: "x",
        onRunning: "x",
        retryRun: -1,
      },
      paths: [
        ...["token", "project", "inputParams", "viewId", "updatePublishedResults"],
        ...["useCachedSqlResults", "notifications.0.type", "notifications.0.subject"],
        ...["notifications.0.slackChannelIds", "skipIfFresh", "startRate.0", "maxRunning"],
        ...["allowHttp", "waitForCompletion", "poll.first", "deadline", "onDeadline"],
        ...["whenUnknown", "onRunning", "retryRun"],
      ],
    },
  ],
});
