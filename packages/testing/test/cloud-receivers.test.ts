import {
  createAzureLogsReceiver,
  createCloudWatchLogsReceiver,
  createGoogleLoggingReceiver,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

// Limits and answers are shown with the vendors' own clients, by the tests of the plugin that uses them.

describe("CloudWatch Logs", () => {
  const call = async (headers: Readonly<Record<string, string>>) => {
    await using logs = await createCloudWatchLogsReceiver();
    const response = await fetch(logs.url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "Logs_20140328.PutLogEvents",
        ...headers,
      },
      body: "{}",
    });
    const { __type: type } = Object(await response.json());
    return [response.status, String(type).replace("com.amazonaws.cloudwatchlogs#", "")];
  };
  const scope = "AKIAPIPEHOOKSTEST001/20260115/eu-west-1";
  const signature = `SignedHeaders=host, Signature=${"0".repeat(64)}`;

  test.for([
    [{}, "MissingAuthenticationTokenException"],
    [{ authorization: "Bearer x" }, "IncompleteSignatureException"],
    [
      { authorization: `AWS4-HMAC-SHA256 Credential=${scope}/s3/aws4_request, ${signature}` },
      "IncompleteSignatureException",
    ],
    [
      {
        authorization: `AWS4-HMAC-SHA256 Credential=AKIA/20260115/x/logs/aws4_request, ${signature}`,
      },
      "UnrecognizedClientException",
    ],
    [
      { authorization: `AWS4-HMAC-SHA256 Credential=${scope}/logs/aws4_request, ${signature}` },
      "InvalidSignatureException",
    ],
    [{ "x-amz-target": "Logs_20140328.DeleteLogGroup" }, "UnknownOperationException"],
    [{ "content-type": "application/json" }, "UnknownOperationException"],
  ] as const)("refuses a request with %j", async ([headers, type]) => {
    expect(await call(headers)).toEqual([400, type]);
  });
});

test("Azure's is known by its own authority only", async () => {
  await using logs = await createAzureLogsReceiver();

  await expect(fetch(logs.url)).rejects.toThrow();
  expect(logs.ca).toMatch(/^-----BEGIN CERTIFICATE-----/);
});

test("all of them can be disposed twice", async () => {
  for (const create of [
    createAzureLogsReceiver,
    createCloudWatchLogsReceiver,
    createGoogleLoggingReceiver,
  ]) {
    const receiver = await create();

    await receiver[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  }
});
